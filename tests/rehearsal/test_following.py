"""Following an execution: states as they are entered, its end, and when it goes no further."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.following import Execution, ExecutionFailed, Patience, Stalled, Watch


class FakeStates:
    """An execution with a history that grows."""

    def __init__(self, **description: str) -> None:
        self.history: list[dict[str, Any]] = []
        self._description = {"status": "RUNNING", **description}

    def enter(self, *names: str) -> None:
        for name in names:
            self.history.append({"id": len(self.history) + 1, "stateEnteredEventDetails": {"name": name}})
            self.history.append({"id": len(self.history) + 1})

    def get_paginator(self, _: str) -> FakeStates:
        return self

    def paginate(self, *, reverseOrder: bool, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803  (AWS's name)
        yield from ({"events": [event]} for event in (reversed(self.history) if reverseOrder else self.history))

    def describe_execution(self, **_: Any) -> dict[str, str]:
        return self._description


def test_states_are_told_once_and_repeated_visits_not_at_all() -> None:
    states = FakeStates()
    execution = Execution(states, "arn")
    states.enter("SetupCheck", "SetupCheckDone", "Settle")
    assert list(execution.newly_entered()) == ["SetupCheck", "Settle"]
    states.enter("Settle", "SettleWaits", "Settle", "Drain", "Drain")
    assert list(execution.newly_entered()) == ["Drain"]
    assert execution.state == "Drain"


@pytest.mark.parametrize(("status", "running"), [("RUNNING", True), ("SUCCEEDED", False)])
def test_it_runs_until_it_succeeds(status: str, running: bool) -> None:
    assert Execution(FakeStates(status=status), "arn").is_running() is running


@pytest.mark.parametrize(
    ("description", "error", "cause"),
    [
        (
            {"status": "FAILED", "error": "SetupCheckFailed", "cause": "no stream"},
            "SetupCheckFailed",
            "no stream",
        ),
        ({"status": "TIMED_OUT"}, "TIMED_OUT", "no cause was given"),
    ],
)
def test_fails_with_error_and_cause(description: dict[str, str], error: str, cause: str) -> None:
    with pytest.raises(ExecutionFailed) as failed:
        Execution(FakeStates(**description), "arn").is_running()
    assert (failed.value.error, failed.value.cause) == (error, cause)


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_movement_is_seen_and_stillness_measured() -> None:
    clock = Clock()
    watch = Watch(Patience(at_most=1000), clock)
    for now, moment, still in ((1, "a", 0), (31, "a", 30), (32, "b", 0), (60, "b", 28)):
        clock.now = now
        assert watch.still_for(moment) == still


def test_fails_when_nothing_moves() -> None:
    clock = Clock()
    watch = Watch(Patience(at_most=1000), clock)
    watch.still_for("a")
    clock.now = 121
    with pytest.raises(Stalled, match="nothing has moved for 121 s"):
        watch.still_for("a")


def test_fails_when_the_time_is_up() -> None:
    clock = Clock()
    watch = Watch(Patience(at_most=100), clock)
    clock.now = 101
    with pytest.raises(Stalled, match="has not ended within 100 s"):
        watch.still_for("a")
