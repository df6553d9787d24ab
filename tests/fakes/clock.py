"""Time that passes only when somebody waits."""

from __future__ import annotations

# A moment in 2026, in epoch seconds, so that times look like times.
START = 1_790_000_000.0


class Clock:
    """A clock in seconds; `sleep` moves it."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
