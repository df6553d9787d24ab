"""The executions of a migration's state machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ddb_migration_construct.cli.migrations import Migration

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"


@dataclass(frozen=True)
class Execution:
    """The newest execution of a migration; error and cause are those of a failed one."""

    arn: str
    status: str
    error: str | None = None
    cause: str | None = None


def newest_execution(states: Any, migration: Migration) -> Execution | None:
    """Return the execution that was started last, or None before the first one."""
    newest = states.list_executions(stateMachineArn=migration.state_machine_arn, maxResults=1)["executions"]
    if not newest:
        return None
    answer = states.describe_execution(executionArn=newest[0]["executionArn"])
    return Execution(answer["executionArn"], answer["status"], answer.get("error"), answer.get("cause"))
