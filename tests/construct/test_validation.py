"""What the construct refuses, in which words, and that it says all of it at once."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb

from ddb_migration_construct.validation import LONGEST_NAME
from tests.construct.stacks import MIGRATION, destination, migrate, new_stack, source

ARN = "arn:aws:dynamodb:{region}:123456789012:table/orders-v2"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "retention too long": (
        {"change_retention": Duration.days(15)},
        "'change_retention' is 15 days; a queue keeps messages for 14 days at most, and less than one day loses "
        "changes: pass Duration.days(1) to Duration.days(14)",
    ),
    "retention too short": (
        {"change_retention": Duration.hours(12)},
        "'change_retention' is 0.5 days; a queue keeps messages for 14 days at most, and less than one day loses "
        "changes: pass Duration.days(1) to Duration.days(14)",
    ),
    "no writes": (
        {"max_write_units_per_second": 0},
        "'max_write_units_per_second' is 0; pass at least 1, or leave it out for no limit",
    ),
    "negative rejected items": ({"max_rejected_items": -1}, "'max_rejected_items' is -1; pass 0 or more"),
    "no reads": (
        {"max_read_units_per_second": 0},
        "'max_read_units_per_second' is 0; pass at least 1, or leave it out for a gentle default",
    ),
    "worker type": (
        {"worker_type": "Standard"},
        "'worker_type' is 'Standard'; pass one of G.1X, G.2X, G.4X, G.8X",
    ),
    "one worker": ({"max_workers": 1}, "'max_workers' is 1; pass 2 to 299"),
    "too many workers": ({"max_workers": 300}, "'max_workers' is 300; pass 2 to 299"),
    "apply one by one": ({"max_apply_concurrency": 1}, "'max_apply_concurrency' is 1; pass 2 to 1000"),
    "apply too wide": ({"max_apply_concurrency": 1001}, "'max_apply_concurrency' is 1001; pass 2 to 1000"),
    "window too short": (
        {"rollback_window": Duration.minutes(30), "fence_source_writes": True},
        "'rollback_window' is 0.5 hours; pass Duration.hours(1) to Duration.days(7), or leave it out: then the "
        "migration cannot be rolled back",
    ),
    "window too long": (
        {"rollback_window": Duration.days(8), "fence_source_writes": True},
        "'rollback_window' is 192 hours; pass Duration.hours(1) to Duration.days(7), or leave it out: then the "
        "migration cannot be rolled back",
    ),
    "window without a fence": (
        {"rollback_window": Duration.days(3)},
        "'rollback_window' needs a source to which nothing else is written after the cut-over: pass "
        "fence_source_writes=True too",
    ),
    "window of a destination that is called as a role": (
        {
            "rollback_window": Duration.days(3),
            "fence_source_writes": True,
            "destination_role": "arn:aws:iam::210987654321:role/migration",
        },
        "'rollback_window' and 'destination_role' exclude each other: this version reads the destination's stream "
        "in its own account and Region only; leave one of the two out",
    ),
    "unknown finding": (
        {"accepted_findings": ["stream-reader"]},
        "'accepted_findings' names 'stream-reader', which is no advised finding; those are stream-readers, "
        "destination-stream-readers, destination-time-to-live, time-to-live-differs, forecast",
    ),
}
AT_THE_EDGE: list[dict[str, Any]] = [
    {"change_retention": Duration.days(1), "max_workers": 2, "max_apply_concurrency": 2},
    {"change_retention": Duration.days(14), "max_workers": 299, "max_apply_concurrency": 1000},
    {"max_read_units_per_second": 1, "worker_type": "G.8X"},
    {"rollback_window": Duration.hours(1), "fence_source_writes": True},
    {"rollback_window": Duration.days(7), "fence_source_writes": True},
]


def refusal(scope: Stack, id: str = MIGRATION, **props: Any) -> str:
    with pytest.raises(ValueError, match="the migration cannot be built") as refused:
        migrate(scope, id, **props)
    return str(refused.value)


@pytest.mark.parametrize("case", WRONG)
def test_refused_in_these_words(case: str) -> None:
    props, words = WRONG[case]
    assert refusal(new_stack(), **props) == (f"Orders/{MIGRATION}: the migration cannot be built:\n1. {words}")


@pytest.mark.parametrize("props", AT_THE_EDGE)
def test_the_limits_themselves_are_taken(props: dict[str, Any]) -> None:
    assert migrate(new_stack(), **props).migration_name


def test_one_table_twice() -> None:
    stack = new_stack()
    table = destination(stack)
    told = refusal(stack, source_table=table, destination_table=table)
    assert told.endswith("1. 'source_table' and 'destination_table' are the same table; pass two")


def test_one_imported_table_twice() -> None:
    stack = new_stack()
    first, second = (dynamodb.Table.from_table_name(stack, id, "orders") for id in ("A", "B"))
    assert "are the same table" in refusal(stack, source_table=first, destination_table=second)


HERE = {"account": "210987654321", "region": "us-east-1"}
ROLE = "arn:aws:iam::123456789012:role/destination"


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({**HERE, "account": "123456789012"}, "the region eu-west-1 and the migration's stack in us-east-1"),
        ({**HERE, "region": "eu-west-1"}, "the account 123456789012 and the migration's stack in 210987654321"),
    ],
)
def test_a_source_elsewhere_is_refused(env: dict[str, str], told: str) -> None:
    stack = new_stack(env=env)
    table = dynamodb.Table.from_table_arn(stack, "Far", ARN.format(region="eu-west-1"))
    assert refusal(stack, source_table=table).endswith(
        f"1. 'source_table' is in {told}; a migration lives in the account and Region of its source, whose stream it "
        "reads: put it into a stack there"
    )


def test_a_destination_in_another_region_needs_a_role() -> None:
    stack = new_stack(env=HERE)
    near = dynamodb.Table.from_table_name(stack, "Near", "orders")
    far = dynamodb.Table.from_table_arn(stack, "Far", ARN.format(region="eu-west-1"))
    assert refusal(stack, source_table=near, destination_table=far).endswith(
        "1. 'destination_table' is in the region eu-west-1 and the migration's stack in us-east-1; in another Region a "
        "table is called as a role: pass 'destination_role' (docs/across-accounts.md)"
    )


def test_a_destination_that_the_app_makes_in_another_region_needs_a_role_too() -> None:
    app = App(analytics_reporting=False)
    far = destination(Stack(app, "Far", env=Environment(**{**HERE, "region": "eu-west-1"})))
    stack = Stack(app, "Orders", env=Environment(**HERE))
    near = dynamodb.Table.from_table_name(stack, "Near", "orders")
    told = refusal(stack, source_table=near, destination_table=far)
    assert "1. 'destination_table' is in the region eu-west-1 and the migration's stack in us-east-1" in told


def test_a_destination_in_another_region_with_a_role_is_taken() -> None:
    stack = new_stack(env=HERE)
    near = dynamodb.Table.from_table_name(stack, "Near", "orders")
    far = dynamodb.Table.from_table_arn(stack, "Far", ARN.format(region="eu-west-1"))
    assert migrate(stack, source_table=near, destination_table=far, destination_role=ROLE).migration_name


def test_a_destination_in_another_account_of_the_region_is_taken() -> None:
    stack = new_stack(env={**HERE, "region": "eu-west-1"})
    near = dynamodb.Table.from_table_name(stack, "Near", "orders")
    far = dynamodb.Table.from_table_arn(stack, "Far", ARN.format(region="eu-west-1"))
    assert migrate(stack, source_table=near, destination_table=far).migration_name


def test_a_role_that_is_none() -> None:
    assert refusal(new_stack(), destination_role="destination").endswith(
        "1. 'destination_role' is 'destination', which is no ARN of a role: pass arn:aws:iam::<account>:role/<name>"
    )


def test_region_of_a_stack_without_one_is_not_judged() -> None:
    stack = new_stack()
    assert migrate(
        stack, source_table=dynamodb.Table.from_table_arn(stack, "Far", ARN.format(region="eu-west-1"))
    ).migration_name


def test_all_problems_at_once() -> None:
    stack = new_stack(env={"account": "123456789012", "region": "us-east-1"})
    far = dynamodb.Table.from_table_arn(stack, "Far", ARN.format(region="eu-west-1"))
    told = refusal(
        stack,
        source_table=far,
        destination_table=far,
        change_retention=Duration.days(30),
        max_read_units_per_second=-1,
        worker_type="G.025X",
        max_workers=0,
        max_apply_concurrency=5000,
        accepted_findings=["a", "b"],
    )
    lines = told.splitlines()
    assert lines[0] == f"Orders/{MIGRATION}: the migration cannot be built:"
    assert [line.split(" ")[1] for line in lines[1:]] == [
        "'source_table'",
        "'source_table'",
        "'destination_table'",
        "'change_retention'",
        "'max_read_units_per_second'",
        "'worker_type'",
        "'max_workers'",
        "'max_apply_concurrency'",
        "'accepted_findings'",
        "'accepted_findings'",
    ]
    assert [line.split(".")[0] for line in lines[1:]] == [str(number) for number in range(1, 11)]


def test_two_migrations_into_one_destination() -> None:
    stack = new_stack()
    table = destination(stack)
    migrate(stack, "First", destination_table=table)
    assert refusal(stack, "Second", destination_table=table).endswith(
        "1. 'destination_table' is already the destination of Orders/First; a table takes one migration"
    )


def test_two_stacks_with_one_destination() -> None:
    stack = new_stack()
    other = Stack(stack.node.root, "Other")  # type: ignore[arg-type]  # the root is an App, which is a Construct
    migrate(stack, "First", destination_table=dynamodb.Table.from_table_name(stack, "A", "orders-v2"))
    told = refusal(other, "Second", destination_table=dynamodb.Table.from_table_name(other, "B", "orders-v2"))
    assert "is already the destination of Orders/First" in told


def test_one_source_may_have_two_destinations() -> None:
    stack = new_stack()
    table = source(stack)
    migrate(stack, "First", source_table=table)
    assert migrate(stack, "Second", source_table=table).migration_name


def test_two_apps_know_nothing_of_each_other() -> None:
    for _ in range(2):
        stack = new_stack()
        assert migrate(
            stack, destination_table=dynamodb.Table.from_table_name(stack, "New", "orders-v2")
        ).migration_name


@pytest.mark.parametrize(("id", "unfit"), [("Orders (EU)", r"\( \)"), ("Aufträge", "ä"), ("Orders\tEU", "\t")])
def test_fails_where_the_path_cannot_be_a_tag_and_a_dimension(id: str, unfit: str) -> None:
    stack = new_stack()
    with pytest.raises(ValueError, match=f"holds {unfit}, and it becomes a tag of the state machine and the dimension"):
        migrate(stack, id)


def test_fails_where_the_name_is_too_long_for_the_alarms() -> None:
    stack = new_stack(stack_name="S" * 128)
    assert migrate(stack, "M" * (LONGEST_NAME - 129)).migration_name
    told = refusal(stack, "N" * (LONGEST_NAME - 128))
    assert f"by {LONGEST_NAME + 1} characters, and its alarms name it in no more than {LONGEST_NAME}: shorten" in told


def test_a_roll_back_needs_the_destination_in_the_account_of_the_stack() -> None:
    stack = new_stack(env={"account": "123456789012", "region": "us-east-1"})
    arn = "arn:aws:dynamodb:us-east-1:210987654321:table/orders-v2"
    table = dynamodb.Table.from_table_arn(stack, "There", arn)
    told = refusal(stack, destination_table=table, rollback_window=Duration.days(3), fence_source_writes=True)
    assert told.endswith(
        "1. 'rollback_window' is given and 'destination_table' is in the account 210987654321, the migration's stack "
        "in 123456789012: a stream cannot be read from another Region, and this version reads it in its own account "
        "only; leave 'rollback_window' out"
    )
