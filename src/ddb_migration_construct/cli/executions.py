"""The executions of a migration's state machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.migrations import Migration

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
# The states of the design; the small ones between them, which wait and choose, are not told.
STATES = frozenset(value for name, value in vars(names).items() if name.endswith("_STATE"))
# A state's last answer is among the newest events: one look of a state makes nine.
_NEWEST_EVENTS = 30
# Among so many of the newest executions the one that holds the migration is found.
_NEWEST_EXECUTIONS = 10
_ENTERED, _EXITED = "stateEnteredEventDetails", "stateExitedEventDetails"
_SUBMITTED = "taskSubmittedEventDetails"


@dataclass(frozen=True)
class Execution:
    """An execution of a migration; error and cause are those of a failed one."""

    arn: str
    status: str
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True)
class Look:
    """The state that a running execution is in, and what it answered last; nothing of either where it is not known."""

    state: str | None = None
    answer: Mapping[str, Any] = field(default_factory=dict)


def newest_execution(states: Any, migration: Migration) -> Execution | None:
    """Return the execution that runs, or else the one that was started last; None before the first one.

    One that was started while another ran has failed, and tells nothing of the migration.
    """
    arn = migration.state_machine_arn
    newest = states.list_executions(stateMachineArn=arn, maxResults=_NEWEST_EXECUTIONS)["executions"]
    if not newest:
        return None
    chosen = next((one for one in newest if one["status"] == RUNNING), newest[0])
    answer = states.describe_execution(executionArn=chosen["executionArn"])
    return Execution(answer["executionArn"], answer["status"], answer.get("error"), answer.get("cause"))


def look_into(states: Any, execution: Execution | None) -> Look:
    """Look what a running execution is doing, by the newest events of its history."""
    if execution is None or execution.status != RUNNING:
        return Look()
    history = states.get_execution_history(
        executionArn=execution.arn, reverseOrder=True, maxResults=_NEWEST_EVENTS, includeExecutionData=True
    )
    return _looked(history["events"])


def _looked(newest_first: Sequence[Mapping[str, Any]]) -> Look:
    """Find the state that was entered last, and its last answer: before it was entered again, if it was."""
    state: str | None = None
    submitted: Mapping[str, Any] = {}
    for event in newest_first:
        entered, exited = event.get(_ENTERED, {}).get("name"), event.get(_EXITED, {}).get("name")
        if _SUBMITTED in event:
            # A state that waits for a task token has not exited: its function's answer is in the task's output.
            submitted = _object_of(_object(event[_SUBMITTED].get("output")).get("Payload"))
        if exited in STATES:
            answer = _object(event[_EXITED].get("output")) if state in (None, exited) else {}
            return Look(state or exited, answer)
        if entered in STATES:
            if state is not None or submitted.get("state") == entered:
                return Look(state or entered, submitted if state is None else {})
            state = entered
    return Look(state)


def _object(text: str | None) -> Mapping[str, Any]:
    return _object_of(json.loads(text or "null"))


def _object_of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
