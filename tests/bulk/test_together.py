"""Answers that arrive together, and batches of items so large that one request does not hold them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from ddb_migration.aws.bulk_books import Books, Saved
from ddb_migration.aws.bulk_engine import Engine
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_port import Then
from ddb_migration.core.flow import FIRST_LANES
from ddb_migration.core.item_text import Portion, Written
from ddb_migration.core.mixing import BATCH_BYTES, BATCH_ITEMS, Batch, Cursor, Mix
from tests.bulk.memory import MemoryReader
from tests.bulk.world import RECORD, units_of
from tests.fakes.bulk_port import FakePort
from tests.fakes.clock import Clock


class HeldPort(FakePort):
    """Keeps answers, and what is to happen at once, until they are let go."""

    def __init__(self) -> None:
        super().__init__(Clock(), None, "", "", ("pk",))
        self.unanswered: list[tuple[Sequence[bytes], Then[Written]]] = []
        self.at_once: list[Callable[[], None]] = []

    def write(self, items: Sequence[bytes], then: Then[Written]) -> None:
        self.unanswered.append((list(items), then))

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        if seconds:
            super().later(seconds, act)
        else:
            self.at_once.append(act)

    def answer_all(self) -> None:
        answered, self.unanswered = self.unanswered, []
        for items, then in answered:
            then(Written((), float(len(items))))

    def act_at_once(self) -> None:
        acts, self.at_once = self.at_once, []
        for act in acts:
            act()

    def pass_a_second(self) -> None:
        until = self._clock() + 1.0
        while self._events and self._events[0][0] <= until:
            moment, _, act = heapq.heappop(self._events)
            self._clock.sleep(max(0.0, moment - self._clock()))
            act()


def test_answers_that_arrive_together_are_followed_up_once_and_widen_the_flow_as_one_by_one() -> None:
    port = HeldPort()
    books = Books(lambda unit: Saved(), lambda unit, saved: None, lambda text, error: None)
    gate, units = Gate(port, lambda: RECORD, "e1", 1), units_of([1000, 1000])
    reader = MemoryReader(port, units, 1000)
    Engine(port, reader, books, gate, [[unit] for unit in units], lambda error: None).start()
    port.pass_a_second()
    assert len(port.unanswered) == FIRST_LANES
    port.answer_all()
    assert len(port.at_once) == 1
    assert not port.unanswered
    port.act_at_once()
    assert len(port.unanswered) == 2 * FIRST_LANES


def taken(size: int) -> tuple[Batch, Mix]:
    mix, cursor = Mix(lambda: 0.0), Cursor("unit")
    portion = Portion([b"x" * size for _ in range(BATCH_ITEMS)], None, 0.0)
    cursor.add(portion.items, portion.position)
    mix.arrived(cursor, BATCH_ITEMS, portion.size)
    batch = mix.take(0.0, partly=True)
    assert batch is not None
    return batch, mix


def test_a_batch_holds_no_more_than_a_request_may_and_the_rest_comes_back() -> None:
    size = BATCH_BYTES // 20
    batch, mix = taken(size)
    assert len(batch.texts) == 20
    rest = mix.take(0.0, partly=True)
    assert rest is not None
    assert len(rest.texts) == BATCH_ITEMS - 20


def test_a_batch_that_just_fits_is_sent_whole() -> None:
    batch, _ = taken(BATCH_BYTES // BATCH_ITEMS)
    assert len(batch.texts) == BATCH_ITEMS
