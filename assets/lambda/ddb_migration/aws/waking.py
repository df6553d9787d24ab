"""Waking an engine when a wait is over, and no more often than that."""

from __future__ import annotations

from collections.abc import Callable

from ddb_migration.aws.bulk_port import Clocked


class Waking:
    """Calls `act` after waits; a wait that ends later than one that is under way needs no call of its own."""

    def __init__(self, port: Clocked, act: Callable[[], None]) -> None:
        self._port, self._act = port, act
        self._at = float("-inf")

    def within(self, seconds: float) -> None:
        """Call after some seconds, unless a call is due by then already."""
        now = self._port.clock()
        until = now + max(seconds, 0.001)
        if self._at <= now or until < self._at:
            self._at = until
            self._port.later(until - now, self._act)
