"""The bulk engine's world over fake clients: everything happens in order, and time passes only between events."""

from __future__ import annotations

import copy
import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

from ddb_migration.aws.bulk_port import Then
from ddb_migration.core.item_text import Portion, Requests, Written
from tests.fakes import bulk_calls
from tests.fakes.clock import Clock

CALL_SECONDS = 0.005


class FakePort:
    """One task's world; a call takes a moment, and its effect comes with its outcome."""

    def __init__(self, clock: Clock, client: Any, source: str, destination: str, key_names: Sequence[str]) -> None:
        self._clock, self._client = clock, client
        self._source, self._destination, self._key_names = source, destination, key_names
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.draw = random.Random(1).random
        self.clock: Callable[[], float] = clock

    def beside(self, requests: Requests) -> FakePort:
        other = copy.copy(self)
        other._source = requests.source
        return other

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._clock() + seconds, next(self._order), act))

    def aside(self, work: Callable[[], Any], then: Then[Any]) -> None:
        def happen() -> None:
            try:
                outcome: Any = work()
            except Exception as error:  # noqa: BLE001  an outcome like any other
                outcome = error
            then(outcome)

        self.later(CALL_SECONDS, happen)

    def scan(self, segment: int, total: int, start: str | None, limit: int, then: Then[Portion]) -> None:
        where = {"Segment": segment, "TotalSegments": total, "Limit": limit, "ConsistentRead": True}
        self.aside(lambda: bulk_calls.scan(self._client, self._source, start, **where), then)

    def write(self, items: Sequence[bytes], then: Then[Written]) -> None:
        given = list(items)
        self.aside(lambda: bulk_calls.write(self._client, self._destination, given, self._key_names), then)

    def run(self, start: Callable[[Any, Callable[[Exception | None], None]], None]) -> None:
        """Run until the end is told; raises what it was told."""
        ended: list[Exception | None] = []
        start(self, ended.append)
        while not ended:
            moment, _, act = heapq.heappop(self._events)
            if moment > self._clock():
                self._clock.sleep(moment - self._clock())
            act()
        if ended[0] is not None:
            raise ended[0]


def runner(clock: Clock, client: Any, source: str) -> Callable[..., None]:
    """Return what stands for `ddb_migration.aws.asyncio_port.run`."""

    def run(ends: Any, requests: Any, key_names: Sequence[str], start: Callable[..., None]) -> None:
        FakePort(clock, client, source, ends[1].table_arn, key_names).run(start)

    return run
