"""`grant_start`, `grant_operate`, `grant_read`: the exact statements, and what they never give."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from ddb_migration_construct import DynamoDbTableMigration
from tests.construct.stacks import as_list, migrate, new_stack, plain, resources_of, template_of
from tests.construct.test_grants import BUCKET, CONTROL, DEAD_LETTERS, EXECUTIONS, QUEUE, VERIFY, Grant, on

MACHINE = "<MigrateStateMachine>"
MACHINES = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:stateMachine:*"
START = on(MACHINE, "states", "StartExecution")
READ = (
    on("*", "states", "ListStateMachines")
    | on(MACHINES, "states", "ListTagsForResource")
    | on(MACHINE, "states", "ListExecutions")
    | on(EXECUTIONS, "states", "DescribeExecution", "GetExecutionHistory")
    | on([QUEUE, DEAD_LETTERS], "sqs", "GetQueueAttributes")
    | on(CONTROL, "dynamodb", "GetItem", "Query")
    | on(f"{CONTROL}/index/parked", "dynamodb", "Query")
    | on(f"{BUCKET}/verify/*", "s3", "GetObject")
    | on(BUCKET, "s3", "ListBucket")
    | on("*", "cloudwatch", "GetMetricData")
)
OPERATE = (
    READ
    | on(["<RereadFunction.Arn>", "<CleanUpFunction.Arn>", "<CutOverFunction.Arn>"], "lambda", "InvokeFunction")
    | on(MACHINE, "states", "SendTaskSuccess")
    | on(CONTROL, "dynamodb", "UpdateItem")
    | on(VERIFY, "glue", "StartJobRun", "GetJobRun")
)


def given(grant: Callable[[DynamoDbTableMigration, iam.IGrantable], iam.Grant], **props: Any) -> list[dict[str, Any]]:
    """The statements that a role of the team gets."""
    stack = new_stack()
    key = kms.Key(stack, "Key") if props.pop("with_key", False) else None
    role = iam.Role(stack, "TeamRole", assumed_by=iam.AccountRootPrincipal())
    grant(migrate(stack, encryption_key=key, **props), role)
    policies = resources_of(template_of(stack), "AWS::IAM::Policy")
    found: list[dict[str, Any]] = plain(policies["TeamRoleDefaultPolicy"]["Properties"]["PolicyDocument"]["Statement"])
    return found


def pairs(statements: list[dict[str, Any]]) -> set[Grant]:
    return {(a, r) for one in statements for a in as_list(one["Action"]) for r in as_list(one["Resource"])}


@pytest.mark.parametrize(
    ("grant", "expected"),
    [
        (DynamoDbTableMigration.grant_start, START),
        (DynamoDbTableMigration.grant_read, READ),
        (DynamoDbTableMigration.grant_operate, OPERATE),
    ],
    ids=["start", "read", "operate"],
)
def test_a_grant_gives_this_and_nothing_else(grant: Any, expected: set[Grant]) -> None:
    assert pairs(given(grant)) == expected


def test_all_that_the_commands_ask_of_the_state_machine_is_granted() -> None:
    commands = Path(__file__).resolve().parents[2] / "src" / "ddb_migration_construct" / "cli"
    calls = re.compile(r"states\.(?:get_paginator\(\")?((?!get_paginator)[a-z]+_[a-z_]+)\b")
    found = {name for file in commands.glob("*.py") for name in calls.findall(file.read_text())}
    assert "get_execution_history" in found
    asked = {"states:" + "".join(word.title() for word in name.split("_")) for name in found}
    assert asked == {action for action, _ in OPERATE | START if action.startswith("states:")}


def test_only_reports_are_listed_and_no_export() -> None:
    (listing,) = [one for one in given(DynamoDbTableMigration.grant_read) if one["Action"] == "s3:ListBucket"]
    assert listing["Condition"] == {"StringLikeIfExists": {"s3:prefix": "verify/*"}}


@pytest.mark.parametrize("grant", [DynamoDbTableMigration.grant_read, DynamoDbTableMigration.grant_operate])
def test_with_a_key_whoever_reads_may_decrypt(grant: Any) -> None:
    assert {action for action, resource in pairs(given(grant, with_key=True)) if resource == "<Key.Arn>"} == {
        "kms:Decrypt"
    }


def test_no_grant_touches_the_tables() -> None:
    statements = given(DynamoDbTableMigration.grant_operate) + given(DynamoDbTableMigration.grant_start)
    tables = [resource for _, resource in pairs(statements) if "orders" in resource or "Destination" in resource]
    assert not tables
