"""A destination in another account or Region: who may do what there, on either side."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from ddb_migration_construct import DynamoDbTableMigration
from tests.construct.stacks import (
    as_list,
    default_template,
    environment,
    plain,
    properties,
    resources_of,
    source,
    statements,
    template_of,
)

HERE, THERE = "123456789012", "999999999999"
REGION = "us-east-1"
DESTINATION = f"arn:aws:dynamodb:{REGION}:{THERE}:table/orders-new"
FAR = DESTINATION.replace(REGION, "eu-west-1")
ROLE = f"arn:aws:iam::{THERE}:role/destination"
# What each role does to the destination.
DONE = {
    "SetupCheck": ["DescribeTable", "DescribeTimeToLive", "GetResourcePolicy", "Scan"],
    "WriteCdc": ["DeleteItem", "PutItem"],
    "EnableTrigger": ["BatchGetItem"],
    "CutOver": ["BatchGetItem"],
    "DirectMigrationJob": ["BatchWriteItem"],
    "LargeMigrationJob": ["BatchWriteItem"],
    "VerifyJob": ["BatchGetItem", "DescribeTable", "DescribeTimeToLive", "Scan"],
}


class Migrations(Stack):
    """A migration into a table that it knows by ARN."""

    def __init__(self, scope: Construct, destination: str, **props: Any) -> None:
        super().__init__(scope, "Orders", env={"account": HERE, "region": REGION})
        self.migration = DynamoDbTableMigration(
            self,
            "OrdersMigration",
            source_table=source(self),
            destination_table=dynamodb.Table.from_table_arn(self, "New", destination),
            **props,
        )


def migrations(destination: str = DESTINATION, **props: Any) -> Migrations:
    return Migrations(App(analytics_reporting=False), destination, **props)


def rights(template: dict[str, Any], resource: str) -> dict[str, list[str]]:
    """What each role may do to a resource, by the role's title."""
    found: dict[str, list[str]] = {}
    for role, statement in statements(template):
        if resource in as_list(statement["Resource"]):
            found.setdefault(role.removesuffix("Role"), []).extend(as_list(statement["Action"]))
    return {title: sorted(actions) for title, actions in found.items()}


def named(actions: list[str]) -> list[str]:
    return [f"dynamodb:{action}" for action in actions]


def test_both_sides_allow_the_same_and_no_more() -> None:
    stack = migrations()
    on_our_side = rights(template_of(stack), DESTINATION)
    assert on_our_side == {title: named(actions) for title, actions in DONE.items()}
    given = [
        stack.resolve(statement.to_statement_json()) for statement in stack.migration.destination_policy_statements
    ]
    on_theirs = {row["Sid"]: sorted(as_list(row["Action"])) for row in given}
    assert on_theirs == on_our_side
    assert {row["Sid"]: plain(row["Principal"]) for row in given} == {
        title: {"AWS": f"<{title}Role.Arn>"} for title in DONE
    }
    assert {row["Effect"] for row in given} == {"Allow"}


def test_the_statements_go_into_the_app_that_owns_the_table() -> None:
    app = App(analytics_reporting=False)
    stack = Migrations(app, DESTINATION)
    owner = Stack(app, "Owner", env={"account": THERE, "region": REGION})
    key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    table = dynamodb.Table(owner, "Table", table_name="orders-new", partition_key=key)
    for statement in stack.migration.destination_policy_statements:
        table.add_to_resource_policy(statement)
    policy = properties(template_of(owner), "AWS::DynamoDB::Table")["ResourcePolicy"]["PolicyDocument"]
    roles = {
        found["Properties"]["RoleName"]
        for found in resources_of(template_of(stack), "AWS::IAM::Role").values()
        if "RoleName" in found["Properties"]
    }
    principals = [plain(row["Principal"]["AWS"]) for row in policy["Statement"]]
    # Named where another account speaks of them, and only there.
    assert sorted(principal.rpartition("/")[2] for principal in principals) == sorted(roles)
    assert all(principal.startswith("arn:<AWS::Partition>:iam::123456789012:role/") for principal in principals)
    assert len(roles) == len(DONE)


def test_roles_have_no_names_of_their_own_otherwise() -> None:
    roles = resources_of(default_template(), "AWS::IAM::Role").values()
    assert not [role for role in roles if "RoleName" in role["Properties"]]


def test_a_policy_is_asked_for_only_where_another_account_may_own_the_table() -> None:
    told = default_template()
    assert "dynamodb:GetResourcePolicy" not in str(told)
    assert "DESTINATION_CALLERS" not in environment(told, "SetupCheck")
    there = template_of(migrations())
    assert "WriteCdc" in str(environment(there, "SetupCheck")["DESTINATION_CALLERS"])


@pytest.mark.parametrize("role", [ROLE, None], ids=["ARN", "IRole"])
def test_with_a_role_nobody_touches_the_destination_as_himself(role: str | None) -> None:
    app = App(analytics_reporting=False)
    given = role or iam.Role.from_role_arn(Stack(app, "Roles"), "Role", ROLE)
    template = template_of(Migrations(app, FAR, destination_role=given))
    assert rights(template, FAR) == {}
    assert rights(template, ROLE) == dict.fromkeys(DONE, ["sts:AssumeRole"])
    assert not [
        row
        for _, row in statements(template)
        if "sts:AssumeRole" in as_list(row["Action"]) and as_list(row["Resource"]) != [ROLE]
    ]


def test_the_trust_policy_lets_in_who_calls_and_nobody_else() -> None:
    app = App(analytics_reporting=False)
    stack = Migrations(app, FAR, destination_role=ROLE)
    owner = Stack(app, "Owner", env={"account": THERE, "region": "eu-west-1"})
    trusting = iam.CompositePrincipal(*stack.migration.destination_role_principals)
    iam.Role(owner, "Role", role_name="destination", assumed_by=trusting)
    trust = properties(template_of(owner), "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    principals = [plain(row["Principal"]["AWS"]) for row in trust]
    assert len(principals) == len(DONE)
    assert all(f":iam::{HERE}:role/" in principal for principal in principals)


def test_everybody_is_told_of_the_role() -> None:
    template = template_of(migrations(FAR, destination_role=ROLE))
    for function in ("SetupCheck", "WriteCdc", "EnableTrigger", "CutOver"):
        assert environment(template, function)["DESTINATION_ROLE"] == ROLE
    jobs = resources_of(template, "AWS::Glue::Job").values()
    assert {job["Properties"]["DefaultArguments"]["--destination_role"] for job in jobs} == {ROLE}
    default = resources_of(default_template(), "AWS::Glue::Job").values()
    assert {job["Properties"]["DefaultArguments"]["--destination_role"] for job in default} == {"none"}
    assert "DESTINATION_ROLE" not in environment(default_template(), "WriteCdc")


def test_the_role_needs_what_all_do_together() -> None:
    stack = migrations(FAR, destination_role=ROLE)
    (row,) = [stack.resolve(found.to_statement_json()) for found in stack.migration.destination_role_policy_statements]
    wanted = {action for actions in DONE.values() for action in actions} - {"GetResourcePolicy"}
    assert sorted(row["Action"]) == sorted(named(list(wanted)))
    assert row["Resource"] == FAR
