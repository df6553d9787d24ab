"""An engine over a scripted destination, on time that passes only between events."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from ddb_migration.aws.bulk_books import Books, Saved
from ddb_migration.aws.bulk_engine import Engine
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_port import Then
from ddb_migration.core.control_record import OPEN, ControlRecord
from ddb_migration.core.item_text import Written, parsed
from ddb_migration.core.mixing import BATCH_ITEMS
from tests.bulk.memory import MemoryReader
from tests.fakes.bulk_port import FakePort
from tests.fakes.clock import Clock

Item = Mapping[str, Any]
RECORD = ControlRecord(epoch="e1", status=OPEN, max_read_units_per_second=10**9)


class Stopped(Exception):
    """The process is gone."""


def refusal(code: str, status: int = 400) -> ClientError:
    told = {"Error": {"Code": code, "Message": "why"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(told, "BatchWriteItem")


@dataclass
class Table:
    """The destination: what was written; `bad` keys are rejected, a share of calls and items fails otherwise."""

    draws: random.Random
    bad: frozenset[str] = frozenset()
    unprocessed: float = 0.0
    failures: float = 0.0
    written: Counter[str] = field(default_factory=Counter)
    parked: set[str] = field(default_factory=set)
    sizes: list[int] = field(default_factory=list)
    requests_left: int = 10**9

    def put(self, items: Sequence[bytes]) -> Written:
        self.requests_left -= 1
        if self.requests_left < 0:
            raise Stopped
        keys = [parsed(item)["pk"]["S"] for item in items]
        assert len(set(keys)) == len(keys) <= BATCH_ITEMS
        self.sizes.append(len(keys))
        if self.draws.random() < self.failures:
            self._fail(keys)
        if self.bad.intersection(keys):
            raise refusal("ValidationException")
        left = [place for place in range(len(keys)) if self.draws.random() < self.unprocessed]
        self.written.update(key for place, key in enumerate(keys) if place not in left)
        return Written(left, float(len(keys) - len(left)))

    def _fail(self, keys: Sequence[str]) -> None:
        kind = self.draws.choice(["throttled", "server", "lost request", "lost answer"])
        if kind == "throttled":
            raise refusal("ThrottlingException")
        if kind == "server":
            raise refusal("InternalServerError", 500)
        if kind == "lost answer" and not self.bad.intersection(keys):
            self.written.update(keys)
        raise ReadTimeoutError(endpoint_url="x")

    def holds(self, key: str) -> bool:
        return key in self.written or key in self.parked


class TablePort(FakePort):
    """The port to a scripted table."""

    def __init__(self, clock: Clock, table: Table) -> None:
        super().__init__(clock, None, "", "", ("pk",))
        self._table = table

    def write(self, items: Sequence[bytes], then: Then[Written]) -> None:
        given = list(items)
        self.aside(lambda: self._table.put(given), then)


class Task:
    """One task; `saved` outlives it, so that another one goes on."""

    def __init__(self, units: Mapping[str, Sequence[Item]], table: Table, page: int = 10**6) -> None:
        self.clock = Clock()
        self.units, self.table, self.page = units, table, page
        self.saved: dict[str, Saved] = {}
        self.record: Callable[[], ControlRecord] = lambda: RECORD
        self.told: list[str] = []
        self.reads: list[tuple[str, int]] = []

    def run(self, cursors: int = 4, tasks: int = 1) -> Engine:
        engines: list[Engine] = []
        names = list(self.units)
        runs = [names[first::cursors] for first in range(cursors)]

        def start(port: Any, finished: Callable[[Exception | None], None]) -> None:
            gate = Gate(port, lambda: self.record(), "e1", tasks)
            reader = MemoryReader(port, self.units, self.page)
            self.reads = reader.reads
            books = Books(lambda unit: self.saved.get(unit, Saved()), self._save, self._park)
            engines.append(Engine(port, reader, books, gate, runs, finished, self.told.append))
            engines[0].start()

        TablePort(self.clock, self.table).run(start)
        return engines[0]

    def _save(self, unit: str, saved: Saved) -> None:
        """A checkpoint never passes an item that is not written or parked, and its counts are exact."""
        keys = [item["pk"]["S"] for item in self.units[unit]]
        before = keys[: len(keys) if saved.done else int(saved.position or 0)]
        assert all(self.table.holds(key) for key in before)
        assert saved.items_read == len(before)
        assert saved.items_rejected == len(self.table.bad.intersection(before))
        self.saved[unit] = saved

    def _park(self, text: bytes, error: Exception) -> None:
        assert "ValidationException" in str(error)
        self.table.parked.add(parsed(text)["pk"]["S"])


def units_of(counts: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    return {
        f"segment#{number:06d}": [{"pk": {"S": f"{number}-{each}"}} for each in range(count)]
        for number, count in enumerate(counts)
    }


def keys_of(units: Mapping[str, Sequence[Item]]) -> set[str]:
    return {item["pk"]["S"] for items in units.values() for item in items}
