"""What the state machine and a state's function tell each other: one call, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.moments import utc
from ddb_migration.core.polling import wait_seconds

Answer = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One call of a state: the execution that makes it, and what the last call of this state answered.

    `given` is what the state was entered with, as long as it has not answered yet.
    """

    execution: str
    last: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Call:
        """Read the event that the state machine sends; what another state answered last says nothing here."""
        last = event.get("last") or {}
        own = last.get("state") == event["state"]
        return cls(event["execution"], last if own else {}, {} if own else last)

    @property
    def is_first(self) -> bool:
        """Tell whether the state has just been entered."""
        return not self.last


def done(**told: Any) -> Answer:
    """Answer that the state has reached its end."""
    return {"done": True, **told}


def again(seconds: int, **told: Any) -> Answer:
    """Answer that the state machine should call again after so many seconds, with what is told now as `last`."""
    return {"done": False, "wait_seconds": seconds, **told}


def paused(call: Call, record: ControlRecord) -> Answer | None:
    """Answer that a paused migration waits, None when it is not paused; only the operator resumes it."""
    if not record.paused:
        return None
    return poll(call, f"ddb-migration resume: {record.paused_by} paused it at {utc(record.paused_since)}", paused=True)


def poll(call: Call, waiting_for: str, **told: Any) -> Answer:
    """Answer that something must pass first; the waits grow from 15 s to 10 min."""
    polls = int(call.last.get("polls", 0))
    return again(wait_seconds(polls), polls=polls + 1, waiting_for=waiting_for, **told)
