"""VerifyJob's own engine, transport and readers, and the bulk load's reading alone; nothing is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.product import KEYS, RECORD
from ddb_migration.aws.asyncio_port import AsyncioPort, End, run
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_readers import SegmentReader, segment_unit
from ddb_migration.aws.bulk_reading import Reading
from ddb_migration.aws.verify_engine import PAIRS, VerifyEngine
from ddb_migration.core.bulk_totals import Totals
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.item_text import Portion, Requests
from ddb_migration.core.joining import RECORD_BYTES
from ddb_migration.core.matching import Matched, Matching
from ddb_migration.core.mixing import Cursor

Finished = Callable[[Exception | None], None]


def verify(client: Any, table: str, segments: int) -> tuple[int, int]:
    """Match a table with itself; return the items read of both sides, and the bytes that Spark would shuffle."""
    matched: list[Matched] = []

    def start(port: AsyncioPort, finished: Finished) -> None:
        gate = Gate(port, lambda: RECORD, "e", 1, ControlRecord.require_open)
        readers = (SegmentReader(port, segments), SegmentReader(port.at_destination(_reads(table)), segments))
        runs = [list(range(first, segments, PAIRS)) for first in range(PAIRS)]
        VerifyEngine(
            port, readers, gate, runs, lambda: Matching(KEYS), matched.append, finished, tell=lambda line: None
        ).start()

    run((End(client, table), End(client, table)), _reads(table), KEYS, start)
    leftovers = sum(len(segment.leftovers) for segment in matched)
    return sum(sum(segment.items) for segment in matched), leftovers * RECORD_BYTES


def read(client: Any, table: str, segments: int) -> int:
    """Read a table as the bulk load does, and drop it; return the items read."""
    totals = Totals()

    def start(port: AsyncioPort, finished: Finished) -> None:
        _OnlyReading(port, totals, segments, finished).more()

    run((End(client, table), End(client, table)), _reads(table), KEYS, start)
    return totals.items_read


class _OnlyReading:
    """The reading side of a bulk task; as many cursors as there are segments."""

    def __init__(self, port: AsyncioPort, totals: Totals, segments: int, finished: Finished) -> None:
        gate = Gate(port, lambda: RECORD, "e", 1)
        gate.hold = lambda now: 0.0  # type: ignore[method-assign]  # there is no record to look at
        self._totals, self._finished = totals, finished
        self._cursors = [Cursor(segment_unit(segment)) for segment in range(segments)]
        self._reading = Reading(port, SegmentReader(port, segments), gate, totals, 2 * PAIRS, self._arrived, finished)

    def more(self) -> None:
        """Read on, until all is read."""
        self._reading.read_more(self._cursors)
        if all(cursor.is_read for cursor in self._cursors):
            self._finished(None)

    def _arrived(self, cursor: Cursor, portion: Portion) -> None:
        cursor.pages.clear()
        cursor.fresh.clear()
        self.more()


def _reads(table: str) -> Requests:
    return Requests(table, table, consistent=False)
