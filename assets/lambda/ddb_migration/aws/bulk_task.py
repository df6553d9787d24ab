"""One bulk task from beginning to end: the engine in its world, for the units that the driver gave it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from ddb_migration.aws.asyncio_port import run
from ddb_migration.aws.bulk_books import Books, Saved
from ddb_migration.aws.bulk_engine import Engine
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_load import Load
from ddb_migration.aws.bulk_port import Port
from ddb_migration.aws.bulk_reading import Reader
from ddb_migration.aws.clients import writer
from ddb_migration.aws.errors import persist
from ddb_migration.core.bulk_totals import Totals
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

    def start(port: Port, finished: Callable[[Exception | None], None]) -> None:
        gate = Gate(port, load.control.read, load.epoch, tasks)
        engines.append(Engine(port, make_reader(port), _books(load), gate, runs, finished, _tell, expected))
        engines[0].start()

    requests = Requests(load.source_table, load.destination_table)
    run(writer("dynamodb"), requests, load.destination_table, load.key_names, start)
    return engines[0].totals


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


def _tell(line: str) -> None:
    print(line, flush=True)
