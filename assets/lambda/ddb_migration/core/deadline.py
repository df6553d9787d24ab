"""The time in which an attempt may still write."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

# One writer: a function that times out after 30 s issues no write in its last 10 s, so nothing of it is under
# way when the queue hands its messages out again after 180 s.
RESERVE_SECONDS = 10.0


class OutOfTime(Exception):
    """The attempt must not write any more; its messages return to the queue."""


@dataclass(frozen=True)
class Deadline:
    """A moment on a monotonic clock (seconds), after which `require` raises."""

    until: float
    clock: Callable[[], float] = field(default=time.monotonic)

    @classmethod
    def of(cls, remaining_seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """Return the deadline of an invocation that has so many seconds left."""
        return cls(clock() + remaining_seconds - RESERVE_SECONDS, clock)

    def within(self, seconds: float) -> Deadline:
        """Return a deadline so many seconds from now, and never later than this one."""
        return Deadline(min(self.until, self.clock() + seconds), self.clock)

    def require(self) -> None:
        """Raise OutOfTime when the moment has passed."""
        if self.clock() >= self.until:
            raise OutOfTime("the invocation has no time left to write in")
