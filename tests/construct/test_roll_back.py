"""What `rollback_window` adds: a path back, the states that lead along it, and no right more than they need."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import Duration

from ddb_migration import names
from ddb_migration_construct.definition import FINAL_ERRORS
from tests.construct.stacks import (
    as_list,
    default_template,
    environment,
    migrate,
    new_stack,
    plain,
    properties,
    statements,
    template_with,
)
from tests.construct.test_grants import CONTROL, DESTINATION, FUNCTION_LOGS, SOURCE, Grant, grants, on
from tests.construct.test_state_machine import choice

QUEUE, DEAD_LETTERS = "<ReverseChangeQueue.Arn>", "<ReverseChangeQueueDeadLetterQueue.Arn>"
PROCESSOR, WRITER = "<ReverseStreamProcessorFunction.Arn>", "<ReverseWriteCdcFunction.Arn>"
STATES = {"StartReverseCapture", "RollbackWindow", "RollBack", "LiftDestinationFence"}
CONSUMES = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility")
POLICY = on(DESTINATION, "dynamodb", "GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy")
ADDED: dict[str, set[Grant]] = {
    "ReverseStreamProcessorRole": FUNCTION_LOGS
    | on(f"{DESTINATION}/stream/*", "dynamodb", "DescribeStream", "GetRecords", "GetShardIterator")
    | on("*", "dynamodb", "ListStreams")
    | on(CONTROL, "dynamodb", "GetItem", "UpdateItem")
    | on(QUEUE, "sqs", "SendMessage"),
    "ReverseWriteCdcRole": FUNCTION_LOGS
    | on(DESTINATION, "dynamodb", "GetItem")
    | on(SOURCE, "dynamodb", "PutItem", "DeleteItem")
    | on(CONTROL, "dynamodb", "GetItem", "UpdateItem")
    | on(QUEUE, "sqs", *CONSUMES),
    "SetupCheckRole": on(DESTINATION, "dynamodb", "GetResourcePolicy")
    | on([PROCESSOR, WRITER], "lambda", "InvokeFunction"),
    "EnableTriggerRole": on(DESTINATION, "dynamodb", "DescribeTable"),
    "CutOverRole": POLICY
    | on(DESTINATION, "dynamodb", "DescribeTable", "DescribeTimeToLive")
    | on(f"{DESTINATION}/stream/*", "dynamodb", "DescribeStream", "GetRecords", "GetShardIterator")
    | on([QUEUE, DEAD_LETTERS], "sqs", "GetQueueAttributes")
    | on(QUEUE, "sqs", "SendMessage"),
    "CutOverCanary": on(DESTINATION, "dynamodb", "DeleteItem"),
    "CleanUpRole": POLICY,
    "RereadRole": on(DESTINATION, "dynamodb", "DescribeTable")
    | on(QUEUE, "sqs", "SendMessage")
    | on(DEAD_LETTERS, "sqs", "ReceiveMessage", "DeleteMessage"),
}
STEERING = ("SetupCheck", "EnableTrigger", "CutOver", "CleanUp", "Reread")


@pytest.fixture(scope="module")
def fenced() -> dict[str, Any]:
    return template_with(fence_source_writes=True)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return template_with(fence_source_writes=True, rollback_window=Duration.days(3))


@pytest.fixture(scope="module")
def states(template: dict[str, Any]) -> dict[str, Any]:
    text = plain(properties(template, "AWS::StepFunctions::StateMachine")["DefinitionString"])
    found: dict[str, Any] = json.loads(text)["States"]
    return found


def states_of(template: dict[str, Any]) -> set[str]:
    text = plain(properties(template, "AWS::StepFunctions::StateMachine")["DefinitionString"])
    return set(json.loads(text)["States"])


def test_the_states_are_there_only_with_the_prop(fenced: dict[str, Any], states: dict[str, Any]) -> None:
    assert set(states) >= STATES
    assert not states_of(fenced) & STATES
    assert not states_of(default_template()) & STATES


def test_each_role_gets_what_the_way_back_needs_and_nothing_else(
    fenced: dict[str, Any], template: dict[str, Any]
) -> None:
    before, after = grants(fenced), grants(template)
    added = {role: after[role] - before.get(role, set()) for role in after if after[role] != before.get(role)}
    assert added == ADDED
    assert not [role for role in before if before[role] - after[role]]


def test_only_the_reverse_path_may_write_items_to_the_source(template: dict[str, Any]) -> None:
    writers = {
        role
        for role, pairs in grants(template).items()
        for action, resource in pairs
        if resource == SOURCE and action in ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem")
    }
    assert writers == {"ReverseWriteCdcRole"}


def test_mappings_are_those_of_the_own_functions_only(template: dict[str, Any]) -> None:
    owners = {
        tuple(statement["Condition"]["ArnEquals"]["lambda:FunctionArn"])
        for _, statement in statements(template)
        if "lambda:DeleteEventSourceMapping" in as_list(statement["Action"])
    }
    assert owners == {("<StreamProcessorFunction.Arn>", "<WriteCdcFunction.Arn>", PROCESSOR, WRITER)}


def test_the_reverse_functions_have_the_tables_changed_over(template: dict[str, Any]) -> None:
    forward, reverse = (plain(environment(template, name)) for name in ("WriteCdc", "ReverseWriteCdc"))
    assert (reverse["SOURCE_TABLE"], reverse["DESTINATION_TABLE"]) == (DESTINATION, SOURCE)
    assert reverse[names.DIRECTION] == names.REVERSE
    assert names.DIRECTION not in forward
    assert reverse["CHANGE_QUEUE_URL"] == "<ReverseChangeQueue>"
    assert reverse["CONTROL_TABLE"] == forward["CONTROL_TABLE"]


def test_metrics_of_the_two_paths_do_not_mix(template: dict[str, Any]) -> None:
    for name in ("StreamProcessor", "WriteCdc"):
        forward, reverse = environment(template, name), environment(template, f"Reverse{name}")
        assert reverse["MIGRATION_NAME"] == f"{forward['MIGRATION_NAME']} (reverse)"
    stack = new_stack()
    migration = migrate(stack, fence_source_writes=True, rollback_window=Duration.days(3))
    dimensions = migration.metric_reverse_replication_lag().dimensions
    assert dimensions == {"Migration": environment(template, "ReverseWriteCdc")["MIGRATION_NAME"]}


@pytest.mark.parametrize("function", STEERING)
def test_what_steers_is_told_of_the_reverse_path(template: dict[str, Any], function: str) -> None:
    told = plain(environment(template, function))
    assert told["REVERSE_STREAM_PROCESSOR"] == PROCESSOR
    assert told["REVERSE_WRITE_CDC"] == WRITER
    assert told["REVERSE_WRITE_CDC_ROLE"] == "<ReverseWriteCdcRole.Arn>"
    assert told["REVERSE_CHANGE_QUEUE_ARN"] == QUEUE
    assert told["DESTINATION_TABLE"] == DESTINATION
    assert {name for name in vars(names) if name.startswith("REVERSE_")} <= set(told)


def test_without_the_prop_nobody_is_told_of_it(fenced: dict[str, Any]) -> None:
    assert not [name for function in STEERING for name in environment(fenced, function) if "REVERSE" in name]


def test_a_deployment_that_takes_the_way_back_is_seen(template: dict[str, Any], fenced: dict[str, Any]) -> None:
    """CleanUp is told of the old properties and the new: without this one it could not tell."""
    told, untold = (properties(one, "Custom::DynamoDbTableMigration") for one in (template, fenced))
    assert plain(told["ReverseStreamProcessor"]) == PROCESSOR
    assert "ReverseStreamProcessor" not in untold


def test_a_deployment_that_takes_the_right_to_fence_is_seen(fenced: dict[str, Any]) -> None:
    told, untold = (properties(one, "Custom::DynamoDbTableMigration") for one in (fenced, template_with()))
    assert told["FenceSourceWrites"] == "true"
    assert "FenceSourceWrites" not in untold


def test_capture_of_the_destination_comes_before_the_operator_may_cut_over(states: dict[str, Any]) -> None:
    again = states[states["RepairDone"]["Choices"][0]["Next"]]
    assert choice(again, {"verify_again": False}) == "StartReverseCapture"
    assert choice(states[states["StartReverseCapture"]["Next"]], {"done": True}) == "ReadyToCutOver"


@pytest.mark.parametrize(
    ("state", "given", "following"),
    [
        ("CutOver", {"cut_over": True}, "RollbackWindow"),
        ("CutOver", {"cut_over": False}, "ReadyToCutOver"),
        ("RollBack", {"cut_over": True}, "Complete"),
        ("RollBack", {"cut_over": False}, "RollbackWindow"),
        ("LiftDestinationFence", {"turned_back": True}, "RollbackWindow"),
        ("LiftDestinationFence", {"turned_back": False}, "RollBack"),
    ],
)
def test_where_a_roll_back_leads(states: dict[str, Any], state: str, given: dict[str, Any], following: str) -> None:
    done = choice(states[states[state]["Next"]], {"done": True})
    assert choice(states[done], given) == following


def test_the_window_waits_for_the_operator_and_ends_by_itself(states: dict[str, Any]) -> None:
    task = states["RollbackWindow"]
    assert task["Resource"].endswith(":states:::lambda:invoke.waitForTaskToken")
    assert task["Parameters"]["Payload"] == {
        "state": "RollbackWindow",
        "execution.$": "$$.Execution.Id",
        "token.$": "$$.Task.Token",
    }
    assert task["Catch"] == [
        {"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": "RollbackWindow"},
        {"ErrorEquals": ["WindowOver"], "ResultPath": None, "Next": "Complete"},
        {"ErrorEquals": ["RollBackBegun"], "ResultPath": None, "Next": "RollBack"},
    ]
    ends = {"ErrorEquals": ["States.Timeout", *FINAL_ERRORS, "WindowOver", "RollBackBegun"], "MaxAttempts": 0}
    assert task["Retry"][0] == ends
    assert task["Next"] == "RollBack"


def test_two_waits_fit_into_an_execution(states: dict[str, Any]) -> None:
    # Six events an entry (Step Functions guide, "Quotas": 25,000 for an execution).
    entries = (14 + 7) * 86400 / states["RollbackWindow"]["TimeoutSeconds"]
    assert entries * 6 < 25_000 * 0.8


def test_whatever_fails_in_a_roll_back_lifts_the_destinations_fence(states: dict[str, Any]) -> None:
    (catch,) = states["RollBack"]["Catch"]
    assert catch == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failed", "Next": "LiftDestinationFence"}


@pytest.mark.parametrize("member", ["reverse_change_queue", "reverse_dead_letter_queue"])
def test_queues_are_there_only_with_the_prop(member: str) -> None:
    assert getattr(migrate(new_stack()), member) is None
    with_window = migrate(new_stack(), fence_source_writes=True, rollback_window=Duration.days(3))
    assert getattr(with_window, member) is not None


@pytest.mark.parametrize("member", ["reverse_stream_processor", "reverse_write_cdc"])
def test_functions_are_there_only_with_the_prop(member: str) -> None:
    assert getattr(migrate(new_stack()), member) is None
    with_window = migrate(new_stack(), fence_source_writes=True, rollback_window=Duration.days(3))
    assert getattr(with_window, member) is not None


def test_a_metric_of_the_way_back_asks_for_one() -> None:
    with pytest.raises(ValueError, match="pass rollback_window"):
        migrate(new_stack()).metric_reverse_dead_letters()
