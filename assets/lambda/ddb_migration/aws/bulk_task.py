"""One bulk task from beginning to end: the engine in its world, for the units that the driver gave it."""

from __future__ import annotations

import functools
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from ddb_migration.aws.asyncio_port import End, run
from ddb_migration.aws.bulk_books import Books, Saved
from ddb_migration.aws.bulk_engine import Engine
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_load import Load
from ddb_migration.aws.bulk_port import Port
from ddb_migration.aws.bulk_reading import Reader
from ddb_migration.aws.clients import client, writer
from ddb_migration.aws.errors import persist
from ddb_migration.aws.job_metrics import JobMetrics
from ddb_migration.aws.progress import Progress
from ddb_migration.core.bulk_totals import TaskNote, Totals, throttle_text
from ddb_migration.core.deadline import Deadline
from ddb_migration.core.item_key import key_of
from ddb_migration.core.item_text import Requests, parsed

# For how long the control table may fail before a task gives up; it goes on from its checkpoints.
PATIENCE_SECONDS = 300.0

Result = TypeVar("Result")
MakeReader = Callable[[Port], Reader]


def run_task(
    load: Load, runs: Sequence[Sequence[str]], tasks: int, make_reader: MakeReader, expected: int = 0
) -> Totals:
    """Copy units and return what was done; `tasks` run side by side and share the rates.

    Raises MigrationStopped when no bulk write may follow any more.
    """
    engines: list[Engine] = []
    metrics = JobMetrics(load.migration_name, lambda: client("cloudwatch"))

    def start(port: Port, finished: Callable[[Exception | None], None]) -> None:
        gate = Gate(port, load.control.read, load.epoch, tasks)
        teller = Teller(port, Progress(load.control.rows, load.epoch), metrics)
        engines.append(Engine(port, make_reader(port), _books(load), gate, runs, finished, teller.tell, expected))
        teller.totals = engines[0].totals
        engines[0].start()

    requests = Requests(load.source_table, load.destination_table)
    ends = (End(writer("dynamodb"), load.source_table), End(load.destination.sender(), load.destination_table))
    try:
        run(ends, requests, load.key_names, start)
    finally:
        if engines:
            metrics.tell(engines[0].totals.throttled_calls, is_last=True)
    return engines[0].totals


class Teller:
    """Prints the progress of a task, and notes in the control table and in metrics what is new since then."""

    def __init__(self, port: Port, progress: Progress, metrics: JobMetrics) -> None:
        self.totals = Totals()
        self._port, self._progress, self._metrics = port, progress, metrics
        self._task = uuid.uuid4().hex[:8]
        self._throttled: Counter[str] = Counter()
        self._offered = self._written = 0
        self._told_at = port.clock()

    def tell(self, line: str) -> None:
        """Print a line of progress; what becomes of the note and the metrics does not matter to the load."""
        print(line, flush=True)
        note, now, throttled = self._note(), time.time(), self.totals.throttled_calls.copy()
        self._port.aside(lambda: self._progress.note_task(self._task, note, now), lambda _: None)
        if throttled:
            self._port.aside(lambda: self._metrics.tell(throttled), lambda _: None)

    def _note(self) -> TaskNote:
        totals, now = self.totals, self._port.clock()
        throttles = throttle_text(totals.throttled - self._throttled, totals.items_offered - self._offered)
        rate = (totals.items_written - self._written) / max(1e-9, now - self._told_at)
        self._throttled, self._offered = totals.throttled.copy(), totals.items_offered
        self._written, self._told_at = totals.items_written, now
        return TaskNote(totals.items_written, rate, throttles)


def _books(load: Load) -> Books:
    checkpoints, watermarks = load.checkpoints, load.watermarks

    def save(unit: str, saved: Saved) -> None:
        _persist(functools.partial(checkpoints.save, unit, saved))

    def park(text: bytes, error: Exception) -> None:
        key, reason = key_of(parsed(text), load.key_names), f"{type(error).__name__}: {error}"[:500]
        _persist(lambda: watermarks.park(key, load.epoch, reason))

    return Books(lambda unit: _persist(lambda: checkpoints.read(unit)), save, park)


def _persist(call: Callable[[], Result]) -> Result:
    return persist(call, Deadline(time.monotonic() + PATIENCE_SECONDS, time.monotonic), time.sleep)
