"""The writing side of a bulk task: batches of mixed items, as many and as fast as the destination takes them."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable

from ddb_migration.aws.bulk_failures import is_about_items, is_throttle, reasons, will_pass
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_port import Port
from ddb_migration.aws.transport.failures import RepeatRequest
from ddb_migration.core.backoff import backoff_seconds
from ddb_migration.core.bulk_totals import Totals
from ddb_migration.core.flow import Flow
from ddb_migration.core.item_text import Written
from ddb_migration.core.mixing import Batch, Cursor, Mix

# BatchWriteItem gives no reason for the items it leaves (DynamoDB API, BatchWriteItem: UnprocessedItems).
UNPROCESSED = "UnprocessedItems"


class Writing:
    """Writes what the mix holds.

    `settled` is called with each cursor of which a page is complete, `answered` after every answer, `failed` with
    an error that will not pass; `park` keeps an item that DynamoDB rejects and calls back when that is done.
    """

    def __init__(
        self,
        port: Port,
        gate: Gate,
        totals: Totals,
        settled: Callable[[Cursor], None],
        answered: Callable[[], None],
        failed: Callable[[Exception], None],
        park: Callable[[bytes, Exception, Callable[[None], None]], None],
    ) -> None:
        self.mix = Mix(port.draw)
        self.in_flight = 0
        # How many lanes found nothing to send last: answers that arrive together are not followed up one by one.
        self._idle_lanes = 0
        self._port, self._gate, self._totals = port, gate, totals
        self._settled, self._answered, self._failed, self._park = settled, answered, failed, park
        self._flow = Flow()
        self._apart: deque[Batch] = deque()
        self._failures = 0
        self._not_before = float("-inf")

    def write_more(self, *, partly: bool) -> float | None:
        """Send what may be sent now; return the seconds after which more can be, None where answers decide."""
        wait = self._write_more(partly)
        self._idle_lanes = int(self._flow.lanes) - self.in_flight
        return wait

    def _write_more(self, partly: bool) -> float | None:
        while self.in_flight < int(self._flow.lanes):
            now = self._port.clock()
            wait = max(self._flow.wait(now), self._gate.write_wait(now), self._not_before - now)
            if wait > 0.0:
                return wait
            batch = self._apart.popleft() if self._apart else self.mix.take(now, partly=partly)
            if batch is None:
                until = self.mix.next_wake()
                return None if until is None else max(0.0, until - now)
            self._send(batch, now)
        return None

    def _send(self, batch: Batch, now: float) -> None:
        count = len(batch.texts)
        self.in_flight += 1
        self._totals.items_offered += count
        self._flow.sent(count, now)
        reserved = self._gate.writes.reserve(now)
        self._port.write(batch.texts, functools.partial(self._told, batch, reserved))

    def _told(self, batch: Batch, reserved: float, outcome: Written | Exception) -> None:
        now = self._port.clock()
        if isinstance(outcome, Exception):
            self._gate.writes.settle(reserved, 0.0, now)
            self._write_failed(batch, outcome, now)
        else:
            self._gate.writes.settle(reserved, outcome.units, now)
            self._take_note(batch, outcome, now)
        self.in_flight -= 1
        self._answered()

    def _take_note(self, batch: Batch, outcome: Written, now: float) -> None:
        count, left = len(batch.texts), len(outcome.left)
        self._failures = 0
        self._flow.answered(count, left, self._idle_lanes, now)
        self._totals.write_units += outcome.units
        self._totals.items_written += count - left
        if left:
            self._totals.throttled[UNPROCESSED] += left
            self._totals.throttled_calls[UNPROCESSED] += 1
            finished = self.mix.left(batch, outcome.left, now)
        else:
            finished = self.mix.written(batch)
        for cursor in finished:
            self._settled(cursor)

    def _write_failed(self, batch: Batch, error: Exception, now: float) -> None:
        count = len(batch.texts)
        if is_about_items(error):
            self._reject(batch, error)
        elif is_throttle(error):
            self._totals.throttled.update(dict.fromkeys(reasons(error), count))
            self._totals.throttled_calls.update(reasons(error))
            self._flow.answered(count, count, self._idle_lanes, now)
            self.mix.left(batch, range(count), now)
        elif will_pass(error):
            self._totals.failures.update(f"write: {reason}" for reason in reasons(error))
            if not isinstance(error, RepeatRequest):
                self._flow.failed()
            self._not_before = now + backoff_seconds(self._failures, self._port.draw())
            self._failures += 1
            self.mix.come_back(zip(batch.owners(), batch.texts, strict=True))
        else:
            self._failed(error)

    def _reject(self, batch: Batch, error: Exception) -> None:
        """Find the item that makes DynamoDB reject its whole batch by halves, and park it."""
        if len(batch.texts) > 1:
            self._apart.extend(batch.halves())
            return
        self._totals.items_rejected += 1
        batch.shares[0][0].rejected += 1
        self._park(batch.texts[0], error, lambda _: self._parked(batch))

    def _parked(self, batch: Batch) -> None:
        for cursor in self.mix.written(batch):
            self._settled(cursor)
        self._answered()
