"""Rates in real time, over real sockets: two tasks of a job share 500 units a second for a minute."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from benchmarks.bulk_load import null_server
from benchmarks.product import KEYS, MakeReader, Memory, texts_of
from benchmarks.shapes import page_of
from ddb_migration.aws.asyncio_port import AsyncioPort, End, run
from ddb_migration.aws.bulk_books import Books, Saved
from ddb_migration.aws.bulk_engine import Engine
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_readers import SegmentReader, segment_unit
from ddb_migration.core.control_record import CLOSED, OPEN, ControlRecord, MigrationStopped
from ddb_migration.core.item_text import Requests

RATE = 500.0
TASKS = 2
# What a task may save up at its beginning is no part of the minute.
BEGIN_SECONDS, SECONDS = 5.0, 60.0
UNLIMITED = 1e9
TABLE = "arn:aws:dynamodb:eu-west-1:111111111111:table/1kb"


class Job:
    """A job of two tasks in threads, stopped by its control record; `units` tells what both have consumed so far."""

    def __init__(
        self, port: int, units: Callable[[Engine], float], *, reads: float = UNLIMITED, writes: float | None = None
    ) -> None:
        self._endpoint, self._units = f"http://127.0.0.1:{port}", units
        self._reads, self._writes = reads, writes
        self._engines: list[Engine] = []
        self._stop = threading.Event()

    def measured(self, reader: MakeReader) -> float:
        """Return the units a second over the minute."""
        with ThreadPoolExecutor(TASKS) as tasks:
            running = [tasks.submit(self._run, reader) for _ in range(TASKS)]
            try:
                time.sleep(BEGIN_SECONDS)
                units, began = self._so_far(), time.monotonic()
                time.sleep(SECONDS)
                rate = (self._so_far() - units) / (time.monotonic() - began)
            finally:
                self._stop.set()
            for task in running:
                with pytest.raises(MigrationStopped):
                    task.result(30)
        return rate

    def _so_far(self) -> float:
        return sum(map(self._units, self._engines))

    def _record(self) -> ControlRecord:
        return ControlRecord(
            epoch="e",
            status=CLOSED if self._stop.is_set() else OPEN,
            max_read_units_per_second=self._reads,
            max_write_units_per_second=self._writes,
        )

    def _run(self, reader: MakeReader) -> None:
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client: Any = boto3.session.Session().client(
            "dynamodb", region_name="eu-west-1", endpoint_url=self._endpoint, **credentials
        )
        end = End(client, TABLE)
        run((end, end), Requests(TABLE, TABLE), KEYS, functools.partial(self._start, reader))

    def _start(self, reader: MakeReader, port: AsyncioPort, finished: Callable[[Exception | None], None]) -> None:
        books = Books(lambda unit: Saved(), lambda unit, saved: None, lambda text, error: None)
        gate = Gate(port, self._record, "e", TASKS)
        runs = [[segment_unit(16 * number + cursor) for number in range(40)] for cursor in range(16)]
        engine = Engine(port, reader(port), books, gate, runs, finished, tell=lambda line: None)
        self._engines.append(engine)
        engine.start()


@pytest.fixture
def port() -> Iterator[int]:
    with null_server(delay_ms=8) as served:
        yield served.port


@pytest.mark.slow
def test_a_write_rate_holds_for_a_minute(port: int) -> None:
    job = Job(port, lambda engine: engine.totals.write_units, writes=RATE)
    texts = texts_of(page_of("1kb"))
    rate = job.measured(lambda port: Memory(port, texts, 10**9))
    print(f"{rate:.1f} write units a second, {RATE:.0f} allowed")
    assert rate == pytest.approx(RATE, rel=0.05)


@pytest.mark.slow
def test_a_read_rate_holds_for_a_minute(port: int) -> None:
    job = Job(port, lambda engine: engine.totals.read_units, reads=RATE)
    rate = job.measured(lambda port: SegmentReader(port, 640))
    print(f"{rate:.1f} read units a second, {RATE:.0f} allowed")
    assert rate == pytest.approx(RATE, rel=0.05)
