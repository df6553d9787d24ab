"""Following an execution of the state machine until it ends, noticing when it goes no further."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any

from ddb_migration_construct.cli.executions import STATES

_EVENTS = 100
_ENTERED = "stateEnteredEventDetails"
RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"


class ExecutionFailed(Exception):
    """The execution ended otherwise than well; `error` and `cause` are as Step Functions gives them."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class Execution:
    """One execution, and how much of its history has been seen."""

    def __init__(self, states: Any, arn: str) -> None:
        self.state = "not started"
        self._states = states
        self._arn = arn
        self._seen = 0

    def newly_entered(self) -> Iterator[str]:
        """Yield the names of the states entered since the last time, one that waits in a loop only once."""
        for event in reversed(list(self._unseen())):
            self._seen = max(self._seen, event["id"])
            name = event.get(_ENTERED, {}).get("name")
            if name in STATES and name != self.state:
                self.state = name
                yield name

    def _unseen(self) -> Iterator[Any]:
        """Yield the events since the last time, the newest first: a long history is not read whole at each look."""
        pages = self._states.get_paginator("get_execution_history").paginate(
            executionArn=self._arn, reverseOrder=True, PaginationConfig={"PageSize": _EVENTS}
        )
        events = (event for page in pages for event in page["events"])
        return itertools.takewhile(lambda event: event["id"] > self._seen, events)

    def is_running(self) -> bool:
        """Tell whether the execution still runs.

        Raises ExecutionFailed when it ended otherwise than well.
        """
        answer = self._states.describe_execution(executionArn=self._arn)
        if answer["status"] not in (RUNNING, SUCCEEDED):
            raise ExecutionFailed(answer.get("error") or answer["status"], answer.get("cause") or "no cause was given")
        return bool(answer["status"] == RUNNING)


@dataclass(frozen=True)
class Patience:
    """How long an execution may take in all, and how long it may show no movement, in seconds."""

    at_most: float
    without_movement: float = 120.0


class Stalled(Exception):
    """The execution has not ended within its time, or has gone no further for too long."""


class Watch:
    """Notices when what should move does not."""

    def __init__(self, patience: Patience, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._began = self._moved_at = clock()
        self._last: Hashable = None

    def still_for(self, moment: Hashable) -> float:
        """Take in what is seen now, and return for how many seconds it has been the same.

        Raises Stalled when the time is up.
        """
        now = self._clock()
        if moment != self._last:
            self._last, self._moved_at = moment, now
        still = now - self._moved_at
        if still > self._patience.without_movement:
            raise Stalled(f"nothing has moved for {still:.0f} s")
        if now - self._began > self._patience.at_most:
            raise Stalled(f"the execution has not ended within {self._patience.at_most:.0f} s")
        return still
