"""The reading side of a bulk task: pages for the cursors that run short, at the rate that the gate allows."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Protocol

from ddb_migration.aws.bulk_failures import is_of_key_range, is_throttle, reasons, will_pass
from ddb_migration.aws.bulk_port import Port, Then
from ddb_migration.core.allowance import Allowance
from ddb_migration.core.backoff import backoff_seconds
from ddb_migration.core.bulk_totals import Totals
from ddb_migration.core.item_text import Portion
from ddb_migration.core.mixing import BATCH_ITEMS, Cursor

# The text that a task's cursors hold between them when each has one page; pages shrink as cursors grow.
MEMORY_BYTES = 16 * 1024 * 1024
LARGEST_PAGE_BYTES = 1024 * 1024
# A task's first page, on which what it knows of the items rests at first; DynamoDB ends a page at 1 MB in any case.
FIRST_PAGE_ITEMS = 25
MOST_PAGE_ITEMS = 20_000
# A page has at most so many times the items that were read before it: a few small ones tell little of the others.
PAGE_GROWTH = 10
# A page is worth about so much of the task's rate, so that the source is asked for no more at once.
PAGE_SECONDS = 1.0
# But no less than this: a page costs whole units, however few and small its items.
LEAST_PAGE_UNITS = 4.0


class Reader(Protocol):
    """Reads the units of a plan."""

    def read(self, unit: str, position: str | None, limit: int, then: Then[Portion]) -> None:
        """Read on from a position (JSON, None at the unit's start), at most `limit` items; one attempt."""


class ReadGate(Protocol):
    """Tells when reads may begin, and takes account of them."""

    reads: Allowance

    def read_wait(self, now: float) -> float:
        """Return the seconds until the next read may begin."""


class Reading:
    """Reads pages; `arrived` is called with each cursor that got one, `failed` with an error that will not pass."""

    def __init__(
        self,
        port: Port,
        reader: Reader,
        gate: ReadGate,
        totals: Totals,
        cursors: int,
        arrived: Callable[[Cursor, Portion], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.under_way = 0
        self._port, self._reader, self._gate, self._totals = port, reader, gate, totals
        self._arrived, self._failed = arrived, failed
        self._page_bytes = min(LARGEST_PAGE_BYTES, MEMORY_BYTES // max(1, cursors))

    def read_more(self, cursors: Iterable[Cursor]) -> float:
        """Begin a read for each cursor that wants one; return the seconds to wait where one may not begin yet."""
        longest = 0.0
        for cursor in cursors:
            if not cursor.wants_page:
                continue
            if self.under_way and not self._totals.items_read:
                # What a page costs, the first one tells; until then there is no second.
                return longest
            now = self._port.clock()
            wait = max(self._gate.read_wait(now), cursor.retry_at - now)
            if wait > 0.0:
                longest = min(longest, wait) if longest else wait
            else:
                self._read(cursor, now)
        return longest

    def _read(self, cursor: Cursor, now: float) -> None:
        cursor.is_reading = True
        self.under_way += 1
        items = self._page_items(now)
        reserved = self._gate.reads.reserve(now, items * self._item_units())
        then = functools.partial(self._told, cursor, reserved)
        self._reader.read(cursor.unit, cursor.reads_from, items, then)

    def _page_items(self, now: float) -> int:
        totals, rate = self._totals, self._gate.reads.per_second(now)
        if not totals.items_read:
            return _affordable_items(rate, 0.0, 1.0, FIRST_PAGE_ITEMS)
        fitting = max(BATCH_ITEMS, self._page_bytes * totals.items_read // max(1, totals.bytes_read))
        most = min(MOST_PAGE_ITEMS, PAGE_GROWTH * totals.items_read, fitting)
        return _affordable_items(rate, LEAST_PAGE_UNITS, self._item_units(), most)

    def _item_units(self) -> float:
        return self._totals.read_units / max(1, self._totals.items_read)

    def _told(self, cursor: Cursor, reserved: float, outcome: Portion | Exception) -> None:
        self.under_way -= 1
        cursor.is_reading = False
        now = self._port.clock()
        if not isinstance(outcome, Exception):
            self._gate.reads.settle(reserved, outcome.units, now)
            self._take_in(cursor, outcome)
            return
        if will_pass(outcome):
            self._read_failed(cursor, reserved, outcome, now)
        else:
            self._failed(outcome)

    def _read_failed(self, cursor: Cursor, reserved: float, error: Exception, now: float) -> None:
        self._totals.failures.update(f"read: {reason}" for reason in reasons(error))
        if is_throttle(error):
            self._throttled(reserved, error, now)
        # What failed otherwise may have been read all the same, and stays spent.
        cursor.retry_at = now + backoff_seconds(cursor.read_failures, self._port.draw())
        cursor.read_failures += 1

    def _throttled(self, reserved: float, error: Exception, now: float) -> None:
        self._totals.throttled_calls.update(reasons(error))
        if is_of_key_range(error):
            self._gate.reads.settle(reserved, 0.0, now)
        else:
            self._gate.reads.throttled(now)

    def _take_in(self, cursor: Cursor, portion: Portion) -> None:
        cursor.read_failures = 0
        self._totals.read_units += portion.units
        self._totals.items_read += len(portion.items)
        self._totals.bytes_read += portion.size
        cursor.add(portion.items, portion.position)
        self._arrived(cursor, portion)


def _affordable_items(rate: float | None, least_units: float, each: float, most: int) -> int:
    """Return how many items, of so many units each, the rate allows in one page; at least one."""
    if rate is None or not each:
        return most
    return max(1, int(min(most, max(least_units, PAGE_SECONDS * rate) / each)))
