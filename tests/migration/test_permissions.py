"""A permission that is missing stops the migration, and the failure names action and role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import Trial


@pytest.mark.slow
@pytest.mark.parametrize(
    ("role", "action"),
    [
        ("OrdersWriteCdcRole", "dynamodb:PutItem"),
        ("OrdersStreamProcessorRole", "sqs:SendMessage"),
        ("OrdersStreamProcessorRole", "dynamodb:GetRecords"),
        ("OrdersDirectMigrationJobRole", "dynamodb:Scan"),
        ("OrdersEnableTriggerRole", "glue:GetJobRuns"),
        ("OrdersMigrateStateMachineRole", "glue:StartJobRun"),
    ],
)
def test_a_missing_permission_is_named_with_its_role(aws: EmbeddedAws, assembly: Path, role: str, action: str) -> None:
    synthesise(assembly)
    assert _without(assembly / f"{STACK}.template.json", role, action)
    trial = Trial(aws, deploy(aws, assembly, STACK))
    trial.fill(50)
    found = trial.finish(trial.start())
    assert found["status"] == "FAILED"
    told = found.get("cause", "") + found.get("error", "")
    assert action.lower() in told.lower()
    assert role in told


def _without(template: Path, role: str, action: str) -> int:
    """Take an action from the policies of a role; return how many statements held it."""
    content, taken = json.loads(template.read_text()), 0
    for name, resource in content["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role" and role in name:
            (policy,) = resource["Properties"]["Policies"]
            taken += sum(_taken(statement, action) for statement in policy["PolicyDocument"]["Statement"])
    template.write_text(json.dumps(content))
    return taken


def _taken(statement: dict[str, Any], action: str) -> bool:
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    if action not in actions:
        return False
    statement["Action"] = [other for other in actions if other != action] or ["s3:ListAllMyBuckets"]
    return True
