"""How many resources a migration has, several of them in one stack, and what each is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, NestedStack, Stack, Stage
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk.assertions import Template
from constructs import Construct

from tests.construct.stacks import destination, environment, migrate, new_stack, plain, properties, source, template_of

MOST_OF_ONE = 45
# CloudFormation quotas, "Resources declared in a template", and "Template body size in an S3 object", which its own
# refusal gives as 1,000,000 bytes.
MOST_OF_A_STACK, MOST_BYTES = 500, 1_000_000
# What the CDK's command line adds to each resource unless it is told not to.
AS_THE_COMMAND_LINE = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}


def test_one_instance(capsys: pytest.CaptureFixture[str]) -> None:
    stack = new_stack()
    migrate(stack, destination_table=dynamodb.Table.from_table_name(stack, "New", "orders-v2"))
    count = len(template_of(stack)["Resources"])
    with capsys.disabled():
        print(f"\none migration has {count} resources")
    assert count <= MOST_OF_ONE


@pytest.mark.parametrize(
    ("most", "props"),
    [
        (10, {"fence_source_writes": True}),
        (8, {"fence_source_writes": True, "rollback_window": Duration.days(1)}),
    ],
    ids=["ten", "eight with a way back"],
)
def test_so_many_in_one_stack(
    most: int, props: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # CDK's metadata is one resource of each stack, unless the app switches it off.
    app = App(outdir=str(tmp_path), analytics_reporting=True, context=AS_THE_COMMAND_LINE)
    # Of no known Region or account, whose references are the longest.
    stack = Stack(app, "Orders", suppress_template_indentation=True)
    for number in range(most):
        migrate(stack, f"Migration{number}", source_table=source(stack, f"Source{number}"), **props)
    app.synth()
    text = (tmp_path / "Orders.template.json").read_text()
    template = json.loads(text)
    count, size = len(template["Resources"]), len(text.encode())
    with capsys.disabled():
        print(f"\n{most} migrations, their destinations and CDK's metadata are {count} resources, {size} bytes")
    assert "AWS::CDK::Metadata" in {found["Type"] for found in template["Resources"].values()}
    assert count < MOST_OF_A_STACK
    # A tenth is left for longer names, and for what a team adds.
    assert size < 0.9 * MOST_BYTES


@pytest.fixture(scope="module")
def two() -> dict[str, Any]:
    stack = new_stack()
    migrate(stack, "First")
    migrate(stack, "Second")
    return template_of(stack)


def test_two_share_nothing(two: dict[str, Any]) -> None:
    first = {id: str(found) for id, found in two["Resources"].items() if id.startswith("First")}
    second = {id: str(found) for id, found in two["Resources"].items() if id.startswith("Second")}
    assert len(first) == len(second) > 25
    assert not [id for id, found in first.items() if "'Second" in found]
    assert not [id for id, found in second.items() if "'First" in found]


def test_two_have_an_output_and_a_name_each(two: dict[str, Any]) -> None:
    assert len(two["Outputs"]) == 2
    tagged = [
        tag["Value"]
        for found in two["Resources"].values()
        if found["Type"] == "AWS::StepFunctions::StateMachine"
        for tag in found["Properties"]["Tags"]
        if tag["Key"] == "ddb-migration:name"
    ]
    assert tagged == ["Orders/First", "Orders/Second"]


def named(template: dict[str, Any]) -> tuple[str, str]:
    """The name in the tag and the one that the functions are told."""
    (machine,) = [f for f in template["Resources"].values() if f["Type"] == "AWS::StepFunctions::StateMachine"]
    tags = {tag["Key"]: plain(tag["Value"]) for tag in machine["Properties"]["Tags"]}
    (told,) = {
        str(plain(found["Properties"]["Environment"]["Variables"].get("MIGRATION_NAME")))
        for found in template["Resources"].values()
        if found["Type"] == "AWS::Lambda::Function" and "SETTINGS" in found["Properties"]["Environment"]["Variables"]
    }
    return tags["ddb-migration:name"], told


def test_name_in_a_stack() -> None:
    stack = new_stack()
    migration = migrate(stack)
    assert migration.migration_name == "Orders/OrdersMigration"
    assert named(template_of(stack)) == (migration.migration_name,) * 2


def test_name_of_a_stack_that_is_named_by_hand() -> None:
    stack = new_stack(stack_name="team-orders")
    assert migrate(stack).migration_name == "team-orders/OrdersMigration"


def test_name_below_another_construct() -> None:
    stack = new_stack()
    migration = migrate(Construct(stack, "Data"))
    assert migration.migration_name == "Orders/Data/OrdersMigration"


def test_name_of_an_id_with_a_slash() -> None:
    migration = migrate(new_stack(), "Orders/V2")
    assert migration.migration_name == "Orders/Orders--V2" == migration.node.path


def test_name_in_a_stage() -> None:
    stage = Stage(App(analytics_reporting=False), "Prod")
    stack = Stack(stage, "Orders")
    # The deployed stack's name, which is what CloudFormation and the command line know.
    assert migrate(stack).migration_name == "Prod-Orders/OrdersMigration"


def test_name_in_a_nested_stack() -> None:
    nested = NestedStack(new_stack(), "Nested")
    migrate(nested)
    template = dict(Template.from_stack(nested).to_json())
    assert named(template) == ("<AWS::StackName>/OrdersMigration",) * 2


def test_the_same_tables_in_two_stages_are_two_tables() -> None:
    app = App(analytics_reporting=False)
    for stage in ("Beta", "Prod"):
        stack = Stack(Stage(app, stage), "Orders")
        table = dynamodb.Table.from_table_name(stack, "New", "orders-v2")
        assert migrate(stack, destination_table=table).migration_name


def test_in_a_stack_of_its_own_beside_the_tables() -> None:
    app = App(analytics_reporting=False)
    tables, stack = Stack(app, "Tables"), Stack(app, "Migrations")
    migrate(stack, source_table=destination(tables, "Old"), destination_table=destination(tables, "New"))
    assert [found["Type"] for found in template_of(tables)["Resources"].values()] == ["AWS::DynamoDB::Table"] * 2
    assert environment(template_of(stack), "WriteCdc")
    assert properties(template_of(stack), "AWS::StepFunctions::StateMachine")
