"""A simulated destination: partitions with a token bucket each, on virtual time, behind the engine's own port."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

from ddb_migration.aws.bulk_port import Then
from ddb_migration.core.control_record import OPEN, ControlRecord
from ddb_migration.core.item_text import Portion, Written

# DynamoDB Developer Guide, "Partitions and data distribution": a partition writes 1,000 units a second.
PARTITION_UNITS = 1000.0
ROUND_TRIP_SECONDS = 0.008
# What one item costs the client's CPU.
ITEM_SECONDS = 4e-6
RECORD = ControlRecord(epoch="e", status=OPEN, max_read_units_per_second=1e12)


class Clock:
    """Virtual time and what happens in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], Any]]] = []
        self._order = itertools.count()

    def at(self, moment: float, act: Callable[[], Any]) -> None:
        """Let something happen."""
        heapq.heappush(self._heap, (moment, next(self._order), act))

    def run(self, until: float) -> None:
        """Let everything happen until a moment."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, act = heapq.heappop(heap)
            act()
        self.now = until


class Partitions:
    """The destination: items are partitions' numbers, admitted one by one; each bucket holds one second."""

    def __init__(self, clock: Clock, count: int) -> None:
        self.count = count
        self.attempts = self.taken = 0
        self._clock = clock
        self._tokens = [0.0] * count
        self._seen = [0.0] * count

    def admit(self, items: Sequence[bytes], now: float) -> list[int]:
        """Return the places of the items that find their partition's bucket empty."""
        left, tokens, seen = [], self._tokens, self._seen
        for place, item in enumerate(items):
            partition = int(item)
            filled = tokens[partition] + (now - seen[partition]) * PARTITION_UNITS
            seen[partition] = now
            if filled > PARTITION_UNITS:
                filled = PARTITION_UNITS
            if filled >= 1.0:
                tokens[partition] = filled - 1.0
            else:
                tokens[partition] = filled
                left.append(place)
        self.attempts += len(items)
        self.taken += len(items) - len(left)
        return left


class SimulatedPort:
    """One task's world; its requests take a round trip, and its CPU a little for each item."""

    def __init__(self, clock: Clock, partitions: Partitions, seed: int) -> None:
        self._clock, self._partitions = clock, partitions
        self._busy_until = 0.0
        self.draw = random.Random(seed).random  # noqa: S311  no secret
        self.clock = lambda: clock.now

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` after some seconds."""
        self._clock.at(self._clock.now + seconds, act)

    def aside(self, work: Callable[[], Any], then: Then[Any]) -> None:
        """Work on the control table takes a round trip."""
        self.later(ROUND_TRIP_SECONDS, lambda: then(work()))

    def scan(self, segment: int, total: int, start: str | None, limit: int, then: Then[Portion]) -> None:
        """Nothing is scanned: `Hashes` reads."""
        raise NotImplementedError

    def write(self, items: Sequence[bytes], then: Then[Written]) -> None:
        """Offer items to the partitions."""
        self._busy_until = max(self._busy_until, self._clock.now) + len(items) * ITEM_SECONDS
        at = self._busy_until + ROUND_TRIP_SECONDS / 2
        self._clock.at(at, lambda: self._arrive(items, then))

    def _arrive(self, items: Sequence[bytes], then: Then[Written]) -> None:
        outcome = Written(self._partitions.admit(items, self._clock.now), float(len(items)))
        self.later(ROUND_TRIP_SECONDS / 2, lambda: then(outcome))


class Hashes:
    """Segments of a table in hash order, without end in sight: each item is the number of its partition."""

    def __init__(self, port: SimulatedPort, partitions: int, segments: int, items: int) -> None:
        self._port, self._partitions, self._segments, self._items = port, partitions, segments, items
        self._texts = [str(partition).encode() for partition in range(partitions)]

    def read(self, unit: str, position: str | None, limit: int, then: Then[Portion]) -> None:
        """Read on in a segment; a page takes longer than a write."""
        segment, start = int(unit.rpartition("#")[2]), int(position or 0)
        end = min(self._items, start + limit)
        # In the middle of their hash ranges, which are of equal size.
        span = self._partitions / self._segments
        first, each = segment * span, span / self._items
        texts = [self._texts[int(first + (item + 0.5) * each)] for item in range(start, end)]
        portion = Portion(texts, str(end) if end < self._items else None, 0.0)
        self._port.later(3 * ROUND_TRIP_SECONDS, lambda: then(portion))
