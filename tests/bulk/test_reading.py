"""How much of the source is asked for at once: pages of a Scan, as large as the rate allows and no larger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from ddb_migration.aws.bulk_port import Then
from ddb_migration.aws.bulk_reading import FIRST_PAGE_ITEMS, Reading
from ddb_migration.core.allowance import Allowance
from ddb_migration.core.bulk_totals import Totals
from ddb_migration.core.item_text import Portion
from ddb_migration.core.mixing import Cursor
from tests.bulk.world import refusal
from tests.fakes.bulk_port import FakePort
from tests.fakes.clock import Clock

# DynamoDB API, Scan: a page ends at 1 MB; a consistent read is charged a unit for each 4 KB.
MOST_BYTES, UNIT_BYTES = 1024 * 1024, 4096
ANSWER_SECONDS = 0.08
# What a table of 5 provisioned units is read at by default, and one on demand, by each of four tasks.
SMALL, NORMAL = 5 / 2 / 4, 3000 / 4


class Gate:
    """Nothing but a rate."""

    def __init__(self, rate: float) -> None:
        self.reads = Allowance(rate)

    def read_wait(self, now: float) -> float:
        return self.reads.wait(now)


class Scan:
    """Segments without end, of items of one size; `outcome` may answer a read otherwise."""

    def __init__(self, port: FakePort, size: int) -> None:
        self._port, self._size = port, size
        self.limits: list[int] = []
        self.units: list[float] = []
        self.under_way = self.most_under_way = 0
        self.outcome: Callable[[str], Exception | None] = lambda unit: None

    def read(self, unit: str, position: str | None, limit: int, then: Then[Portion]) -> None:
        self.limits.append(limit)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self._port.later(ANSWER_SECONDS, lambda: self._answer(unit, limit, then))

    def _answer(self, unit: str, limit: int, then: Then[Portion]) -> None:
        self.under_way -= 1
        then(self.outcome(unit) or self._page(limit))

    def _page(self, limit: int) -> Portion:
        count = min(limit, -(-MOST_BYTES // self._size))
        self.units.append(float(-(-count * self._size // UNIT_BYTES)))
        return Portion([b"x" * self._size] * count, "1", self.units[-1])


def _fail(error: Exception) -> None:
    raise error


class Task:
    """The reading of one task; what arrives is gone at once, so that every cursor always wants a page."""

    def __init__(self, rate: float, size: int, cursors: int = 16) -> None:
        self.clock = Clock()
        self.port = FakePort(self.clock, None, "", "", ("pk",))
        self.gate, self.totals = Gate(rate), Totals()
        self.scan = Scan(self.port, size)
        self.cursors = [Cursor(str(number)) for number in range(cursors)]
        self.reading = Reading(
            self.port,
            self.scan,
            self.gate,
            self.totals,
            cursors,
            self._arrived,
            _fail,
        )

    def run(self, seconds: float) -> Task:
        def start(port: Any, finished: Callable[[Exception | None], None]) -> None:
            self._look()
            port.later(seconds, lambda: finished(None))

        self.port.run(start)
        return self

    def _look(self) -> None:
        self.reading.read_more(self.cursors)
        self.port.later(0.01, self._look)

    def _arrived(self, cursor: Cursor, portion: Portion) -> None:
        cursor.pages.clear()
        cursor.fresh.clear()


@pytest.mark.parametrize("size", [200, 1000, 50_000, 400_000])
def test_a_small_table_is_not_read_in_bursts(size: int) -> None:
    """Four tasks may spend at once what one item costs each, not what pages of 1 MB do."""
    item_units = -(-size // UNIT_BYTES)
    scan = Task(SMALL, size).run(1.0).scan
    assert sum(scan.units) <= 4 + item_units
    scan = Task(SMALL, size).run(600.0).scan
    assert sum(scan.units) == pytest.approx(600 * SMALL, abs=8 + 2 * item_units)
    assert max(scan.units) <= 4 + item_units


def test_a_small_table_of_small_items_is_not_read_one_by_one() -> None:
    """A page costs a whole unit, so that single items would cost many times what they have to."""
    task = Task(SMALL, 200).run(600.0)
    assert task.totals.read_units / task.totals.items_read <= 2 * 200 / UNIT_BYTES


def test_until_the_first_answer_there_is_one_read_and_a_small_one() -> None:
    task = Task(NORMAL, 1000).run(ANSWER_SECONDS / 2)
    assert task.scan.limits == [FIRST_PAGE_ITEMS]


def test_once_it_is_known_what_a_page_costs_all_cursors_read() -> None:
    scan = Task(1e9, 1000).run(1.5 * ANSWER_SECONDS).scan
    assert scan.most_under_way == 16
    # 25 items tell little of the others.
    assert max(scan.limits) == 10 * FIRST_PAGE_ITEMS


def test_at_a_normal_rate_pages_are_full() -> None:
    task = Task(NORMAL, 1000).run(60.0)
    full = MOST_BYTES / UNIT_BYTES
    assert task.totals.read_units == pytest.approx(60 * NORMAL, rel=0.05)
    assert len(task.scan.limits) <= 1.1 * task.totals.read_units / full + 5


def throttle(reason: str | None) -> ClientError:
    error = refusal("ProvisionedThroughputExceededException")
    if reason:
        error.response["ThrottlingReasons"] = [{"reason": reason}]
    return error


TABLE_REASONS = [
    "TableReadProvisionedThroughputExceeded",
    "TableReadMaxOnDemandThroughputExceeded",
    "TableReadAccountLimitExceeded",
    None,
]


@pytest.mark.parametrize("reason", TABLE_REASONS)
def test_a_table_that_throttles_is_asked_for_less(reason: str | None) -> None:
    """The table takes half of the rate; every page above that is refused, and would be asked for again at once."""
    task, rate = Task(NORMAL, 1000), NORMAL / 2
    taken: list[tuple[float, float]] = []

    def outcome(unit: str) -> Exception | None:
        now = task.clock()
        lately = sum(units for at, units in taken if at > now - 10)
        if lately >= 10 * rate:
            return throttle(reason)
        taken.append((now, 256.0))
        return None

    task.scan.outcome = outcome
    task.run(300.0)
    assert task.totals.read_units >= 0.6 * 300 * rate
    refused = task.totals.throttled_calls.total()
    assert 0 < refused <= 0.1 * len(task.scan.limits)


def test_a_busy_key_range_holds_up_its_cursor_and_nobody_else() -> None:
    task = Task(NORMAL, 1000)
    hot = throttle("TableReadKeyRangeThroughputExceeded")
    task.scan.outcome = lambda unit: hot if unit == "0" else None
    task.run(60.0)
    assert task.totals.read_units == pytest.approx(60 * NORMAL, rel=0.05)
    assert task.totals.throttled_calls["TableReadKeyRangeThroughputExceeded"] > 5


def test_a_read_that_failed_may_have_been_done_and_stays_spent() -> None:
    task = Task(NORMAL, 1000)
    task.run(10.0)
    task.scan.outcome = lambda unit: ReadTimeoutError(endpoint_url="x")
    asked = len(task.scan.limits)
    task.run(60.0)
    assert (len(task.scan.limits) - asked) * 256 <= 1.1 * 60 * NORMAL
