"""What the bulk engine asks of the world around it: time, calls to DynamoDB, and work that blocks.

Every call returns at once and tells its outcome later, from the same thread; an outcome is a value or the error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from ddb_migration.core.item_text import Portion, Written

Value = TypeVar("Value")
Then = Callable[[Value | Exception], None]


class Clocked(Protocol):
    """What knows the time and can wait for it."""

    def clock(self) -> float:
        """Return monotonic seconds."""

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` after some seconds."""


class Port(Clocked, Protocol):
    """The world of one bulk task."""

    def draw(self) -> float:
        """Return a random number in [0, 1)."""

    def aside(self, work: Callable[[], Value], then: Then[Value]) -> None:
        """Do work that blocks, without holding up anything else."""

    def scan(self, segment: int, total: int, start: str | None, limit: int, then: Then[Portion]) -> None:
        """Read at most `limit` items of a segment consistently, from the key `start` (JSON) on; one attempt."""

    def write(self, items: Sequence[bytes], then: Then[Written]) -> None:
        """Put items into the destination by one BatchWriteItem; one attempt."""
