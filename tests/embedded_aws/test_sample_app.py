"""A migration in small runs under IAM, and each missing permission is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.deployment import deploy, destroy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.embedded_aws.running import items, run, until
from tests.embedded_aws.sample_app import ASSETS, sample_template
from tests.embedded_aws.templates import without_action, write_assembly


def _deployed(
    aws: EmbeddedAws, folder: Path, stack_name: str, template: dict[str, Any] | None = None
) -> dict[str, str]:
    return deploy(aws, write_assembly(folder, stack_name, template or sample_template(), ASSETS), stack_name)


def _fill(aws: EmbeddedAws, table: str, count: int) -> None:
    dynamodb = aws.client("dynamodb")
    for number in range(count):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": f"k{number}"}, "n": {"N": str(number)}})


def test_a_migration_in_small_succeeds(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    deployed = _deployed(aws, assembly, stack_name)
    assert deployed["Seen"] == "yes"
    _fill(aws, deployed["Source"], 30)
    ended = run(aws, deployed["StateMachine"], {"fail": False})
    assert ended["status"] == "SUCCEEDED", ended
    assert '"state":"SUCCEEDED"' in ended["output"].replace(" ", "")
    dynamodb = aws.client("dynamodb")
    dynamodb.put_item(TableName=deployed["Source"], Item={"pk": {"S": "late"}, "n": {"N": "1"}})
    dynamodb.delete_item(TableName=deployed["Source"], Key={"pk": {"S": "k1"}})
    until(lambda: items(aws, deployed["Source"]) == items(aws, deployed["Destination"]))
    assert len(items(aws, deployed["Destination"])) == 30
    destroy(aws, stack_name)


@pytest.mark.slow
def test_a_function_error_keeps_its_type(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    deployed = _deployed(aws, assembly, stack_name)
    ended = run(aws, deployed["StateMachine"], {"fail": True})
    assert (ended["status"], ended["error"]) == ("FAILED", "SetupCheckFailed")
    assert "two problems" in ended["cause"]


@pytest.mark.parametrize(
    ("role", "action", "error"),
    [
        ("CheckRole", "dynamodb:DescribeTable", "ClientError"),
        ("MachineRole", "glue:StartJobRun", "Glue.AccessDeniedException"),
        ("MachineRole", "lambda:InvokeFunction", "Lambda.AccessDeniedException"),
        ("JobRole", "dynamodb:Scan", "States.TaskFailed"),
        pytest.param("JobRole", "s3:GetObject", "States.TaskFailed", marks=pytest.mark.slow),
        pytest.param("TriggerRole", "lambda:CreateEventSourceMapping", "ClientError", marks=pytest.mark.slow),
        pytest.param("CaptureRole", "dynamodb:GetRecords", "InvalidParameterValueException", marks=pytest.mark.slow),
        ("ApplyRole", "sqs:ReceiveMessage", "InvalidParameterValueException"),
    ],
)
def test_a_missing_permission_ends_the_run(
    aws: EmbeddedAws, assembly: Path, stack_name: str, role: str, action: str, error: str
) -> None:
    deployed = _deployed(aws, assembly, stack_name, without_action(sample_template(), role, action))
    _fill(aws, deployed["Source"], 1)
    ended = run(aws, deployed["StateMachine"], {"fail": False})
    assert (ended["status"], ended["error"]) == ("FAILED", error), ended
    assert action in ended["cause"]
    assert role in ended["cause"]


@pytest.mark.slow
def test_a_permission_that_goes_missing_shows_in_the_mapping(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    deployed = _deployed(aws, assembly, stack_name)
    assert run(aws, deployed["StateMachine"], {"fail": False})["status"] == "SUCCEEDED"
    _deployed(aws, assembly, stack_name, without_action(sample_template(), "ApplyRole", "sqs:ReceiveMessage"))
    functions = aws.client("lambda")

    def problem() -> dict[str, Any] | None:
        (mapping,) = functions.list_event_source_mappings(FunctionName=deployed["Apply"])["EventSourceMappings"]
        return mapping if mapping["LastProcessingResult"].startswith("PROBLEM") else None

    mapping = until(problem)
    assert mapping["State"] == "Enabled"
    assert "sqs:ReceiveMessage" in mapping["LastProcessingResult"]
    assert "ApplyRole" in mapping["LastProcessingResult"]
