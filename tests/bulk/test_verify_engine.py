"""The verify engine over units in memory, on time that passes only between events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_readers import segment_unit
from ddb_migration.aws.verify_engine import MOST_LEAD_BYTES, VerifyEngine
from ddb_migration.core.control_record import OPEN, ControlRecord, MigrationStopped
from ddb_migration.core.matching import DESTINATION, SOURCE, Matched, Matching
from tests.bulk.memory import MemoryReader
from tests.fakes.bulk_port import FakePort
from tests.fakes.clock import Clock

Segments = Sequence[Mapping[str, int]]
RECORD = ControlRecord(epoch="e1", status=OPEN, barrier_at=1.0, max_read_units_per_second=10**9)


class PacedReader(MemoryReader):
    """Takes so many seconds for a page."""

    def __init__(
        self, port: Any, units: Mapping[str, Any], most: int, seconds: float, reads: Callable[[], None]
    ) -> None:
        super().__init__(port, units, most)
        self._seconds, self._told_read = seconds, reads

    def read(self, unit: str, position: str | None, limit: int, then: Any) -> None:
        self._told_read()
        self._port.later(self._seconds, lambda: super(PacedReader, self).read(unit, position, limit, then))


class Task:
    """One task over two tables in memory."""

    def __init__(
        self, source: Segments, destination: Segments, page: int = 10, seconds: tuple[float, float] = (0.005, 0.005)
    ) -> None:
        self.clock = Clock()
        self.tables = [_units(source), _units(destination)]
        self.page, self.seconds = page, seconds
        self.most_lead = 0
        self.record: Callable[[], ControlRecord] = lambda: RECORD
        self.kept: dict[int, Matched] = {}
        self.told: list[str] = []
        self.readers: list[MemoryReader] = []

    def run(self, tasks: int = 1) -> None:
        runs = [[segment] for segment in range(len(self.tables[0]))]

        def start(port: Any, finished: Callable[[Exception | None], None]) -> None:
            gate = Gate(port, lambda: self.record(), "e1", tasks, ControlRecord.require_verify)
            self.readers = [
                PacedReader(port, units, self.page, seconds, self._reads)
                for units, seconds in zip(self.tables, self.seconds, strict=True)
            ]
            readers = (self.readers[0], self.readers[1])
            new = lambda: Matching(["pk"])  # noqa: E731
            VerifyEngine(port, readers, gate, runs, new, self._keep, finished, self.told.append).start()

        FakePort(self.clock, None, "", "", ("pk",)).run(start)

    def _reads(self) -> None:
        source, destination = (len(reader.reads) for reader in self.readers)
        self.most_lead = max(self.most_lead, source - destination)

    def _keep(self, matched: Matched) -> None:
        self.kept[matched.segment] = matched

    @property
    def leftovers(self) -> set[tuple[int, str]]:
        return {(left.side, left.key["pk"]["S"]) for matched in self.kept.values() for left in matched.leftovers}


def _units(segments: Segments) -> dict[str, list[dict[str, Any]]]:
    return {
        segment_unit(number): [{"pk": {"S": key}, "n": {"N": str(value)}} for key, value in rows.items()]
        for number, rows in enumerate(segments)
    }


def rows(segment: int, count: int = 25) -> dict[str, int]:
    return {f"{segment}-{number}": number for number in range(count)}


def test_equal_tables_leave_nothing_over() -> None:
    task = Task([rows(0), rows(1), {}], [rows(0), rows(1), {}])
    task.run()
    assert task.leftovers == set()
    assert {number: matched.items for number, matched in task.kept.items()} == {0: (25, 25), 1: (25, 25), 2: (0, 0)}
    assert task.kept[0].digests[SOURCE] == task.kept[0].digests[DESTINATION] != task.kept[1].digests[SOURCE]
    assert task.kept[0].read_units == (25.0, 25.0)


def test_what_differs_is_left_over_with_its_key_on_the_sides_that_have_it() -> None:
    source, destination = rows(0), rows(0)
    destination["0-3"] = 99
    del destination["0-4"]
    destination["new"] = 1
    task = Task([source, rows(1)], [destination, rows(1)])
    task.run()
    assert task.leftovers == {
        *((SOURCE, "0-3"), (SOURCE, "0-4")),
        *((DESTINATION, "0-3"), (DESTINATION, "new")),
    }


def test_a_record_that_forbids_stops_the_task_and_nothing_half_read_is_kept() -> None:
    task = Task([rows(0, 5000)], [rows(0, 5000)])
    begun = task.clock()
    task.record = lambda: RECORD if task.clock() < begun + 0.1 else replace(RECORD, epoch="e2")
    with pytest.raises(MigrationStopped, match="epoch e1 has ended"):
        task.run()
    assert task.kept == {}


def test_nothing_is_read_while_the_migration_pauses() -> None:
    task = Task([rows(0)], [rows(0)])
    begun = task.clock()
    task.record = lambda: replace(RECORD, paused=task.clock() < begun + 30)
    task.run()
    assert task.clock() >= begun + 30
    assert task.leftovers == set()


def test_each_table_is_read_at_the_rate_of_the_record() -> None:
    task = Task([rows(0, 200)], [rows(0, 200)])
    begun = task.clock()
    task.record = lambda: replace(RECORD, max_read_units_per_second=20)
    task.run(tasks=2)
    # 200 units of each table, and the task's half of 20 a second.
    assert 18 <= task.clock() - begun <= 23


def test_no_more_is_read_at_once_than_a_second_of_the_rate() -> None:
    table = [rows(number, 200) for number in range(4)]
    task = Task(table, table, page=10**6)
    task.record = lambda: replace(RECORD, max_read_units_per_second=20)
    task.run(tasks=2)
    for reader in task.readers:
        # A page ends where its unit's next one begins, or with the unit's 200 items.
        starts = {unit: [at for of, at in reader.reads if of == unit] for unit, _ in reader.reads}
        pages = [end - at for begun in starts.values() for at, end in pairwise([*begun, 200])]
        assert sum(pages) == 4 * 200
        assert max(pages) <= 10


def test_a_table_that_is_ahead_waits_for_the_other() -> None:
    """Else the texts of a whole segment would lie in memory."""
    wide = "x" * 10_000
    table = {f"{wide}{number}": number for number in range(1000)}
    task = Task([table], [table], page=20, seconds=(0.005, 0.2))
    begun = task.clock()
    task.run()
    assert task.leftovers == set()
    # A page is 200 KB, and one is read before the other side's first arrives.
    assert task.most_lead <= MOST_LEAD_BYTES // 200_000 + 2
    assert task.clock() - begun < 50 * 0.2 + 1, "the slow table is never kept waiting"
