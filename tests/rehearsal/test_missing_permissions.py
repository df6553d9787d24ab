"""A permission taken from one role of the template: the rehearsal fails and names action and role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.run import rehearse
from ddb_migration_construct.rehearsal.synthesis import STACK_NAME

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(300)]


def take_away(assembly: Path, role: str, action: str) -> None:
    """Remove the statements that allow the action from the policies of the role (a part of its logical ID)."""
    path = assembly / f"{STACK_NAME}.template.json"
    template = json.loads(path.read_text())
    taken = [
        _strip(policy["PolicyDocument"], action)
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role" and role in name
        for policy in resource["Properties"]["Policies"]
    ]
    assert sum(taken) == 1, f"{action} is in {sum(taken)} statements of {role}"
    path.write_text(json.dumps(template))


def _strip(document: dict[str, Any], action: str) -> int:
    kept = [statement for statement in document["Statement"] if action not in _actions(statement)]
    taken = len(document["Statement"]) - len(kept)
    document["Statement"] = kept
    return taken


def _actions(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("MigrationStreamProcessor", "sqs:SendMessage"),
        pytest.param("MigrationSetupCheck", "ssm:GetParameter", marks=pytest.mark.slow),
        pytest.param("MigrationWriteCdc", "dynamodb:PutItem", marks=pytest.mark.slow),
        pytest.param("MigrationEnableTrigger", "glue:GetJobRuns", marks=pytest.mark.slow),
        pytest.param("MigrationEnableTrigger", "sqs:GetQueueAttributes", marks=pytest.mark.slow),
    ],
)
def test_a_missing_permission_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], role: str, action: str
) -> None:
    report = tmp_path / "report.json"
    options = RehearsalOptions(50, 20, "direct", KeyShape.parse("sn"), seed=1, json_file=report)
    exit_code = rehearse(options, lambda assembly: take_away(assembly, role, action))
    found = json.loads(report.read_text())
    assert (exit_code, found["verdict"]) == (1, "failed")
    denied = [denial for denial in found["failure"]["denials"] if denial.startswith(f"{action} for role")]
    assert any(role in denial.replace("-", "") for denial in denied), found["failure"]
    assert f"missing permission: {denied[0]}" in capsys.readouterr().out


@pytest.mark.slow
def test_a_missing_permission_of_a_job_is_found_before_anything_runs(tmp_path: Path) -> None:
    report, role, action = tmp_path / "report.json", "MigrationDirectMigrationJob", "dynamodb:Scan"
    options = RehearsalOptions(50, 20, "direct", KeyShape.parse("sn"), seed=1, json_file=report)
    assert rehearse(options, lambda assembly: take_away(assembly, role, action)) == 1
    failure = json.loads(report.read_text())["failure"]
    assert failure["error"] == "SetupCheckFailed"
    assert "nothing was changed" in failure["cause"]
    assert f"is not authorized to perform: {action}" in failure["cause"]
    assert role in failure["cause"].replace("-", "")
