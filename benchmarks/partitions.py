"""How well the engine's own scheduler keeps the destination's partitions busy, on simulated token buckets.

`python -m benchmarks.partitions [--json FILE]`. Each cell runs the whole engine (mixing, back-off for each cursor,
flow) for W tasks against P partitions. `share` is what was written of P times 1,000 units a second once the tasks
are under way, `throttled` the part of the items offered that DynamoDB left. With fewer cursors than partitions no
order of reading fills them all; those cells are printed for completeness.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.simulated import RECORD, Clock, Hashes, Partitions, SimulatedPort
from ddb_migration.aws.bulk_books import Books, Saved
from ddb_migration.aws.bulk_engine import Engine
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_readers import segment_unit
from ddb_migration.core.bulk_plan import CURSORS, runs

PARTITIONS = (4, 16, 37, 64)
WORKERS = (1, 2, 4, 8, 16, 32, 64)
# Until every task has found its pace, and then measured.
WARM_UP_SECONDS = 5.0
SECONDS = 8.0
UNITS_OF_A_CURSOR = 3
LEAST_SHARE = 0.95
MOST_THROTTLED = 0.15


@dataclass(frozen=True)
class Cell:
    """One measurement."""

    partitions: int
    workers: int
    cursors: int
    share: float
    throttled: float

    @property
    def is_bound(self) -> bool:
        """Tell whether the cell has to reach the share: there are cursors for all partitions."""
        return self.partitions <= self.cursors

    @property
    def is_bound_by_throttling(self) -> bool:
        """Tell whether the cell has to stay under the share of throttled items."""
        return 8 <= self.cursors / self.partitions <= 32

    @property
    def holds(self) -> bool:
        """Tell whether what has to hold does."""
        enough = not self.is_bound or self.share >= LEAST_SHARE
        return enough and (not self.is_bound_by_throttling or self.throttled < MOST_THROTTLED)


def measure(partitions: int, workers: int) -> Cell:
    """Run one cell."""
    clock = Clock()
    destination = Partitions(clock, partitions)
    segments = workers * CURSORS * UNITS_OF_A_CURSOR
    # Twice what the partitions can take, so that no segment comes to its end.
    items = int(2 * partitions * 1000 * (WARM_UP_SECONDS + SECONDS) / segments * UNITS_OF_A_CURSOR) + 1
    for task, mine in enumerate(runs(segments, workers, CURSORS)):
        port = SimulatedPort(clock, destination, 1000 * partitions + task)
        reader = Hashes(port, partitions, segments, items)
        units = [[segment_unit(segment) for segment in run] for run in mine]
        start = _engine(port, reader, units, workers).start
        clock.at(0.01 * port.draw(), start)
    clock.run(WARM_UP_SECONDS)
    taken, attempts = destination.taken, destination.attempts
    clock.run(WARM_UP_SECONDS + SECONDS)
    taken, attempts = destination.taken - taken, destination.attempts - attempts
    share = taken / (partitions * 1000 * SECONDS)
    return Cell(partitions, workers, workers * CURSORS, round(share, 4), round(1 - taken / max(1, attempts), 4))


def _engine(port: SimulatedPort, reader: Hashes, units: Sequence[Sequence[str]], workers: int) -> Engine:
    books = Books(lambda unit: Saved(), lambda unit, saved: None, lambda text, error: None)
    gate = Gate(port, lambda: RECORD, "e", workers)
    return Engine(port, reader, books, gate, units, lambda error: None, tell=lambda line: None)


def main() -> None:
    """Run every cell, print a table, and say which cells miss their mark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the cells to this file")
    parser.add_argument("--partitions", type=int, nargs="*", default=PARTITIONS)
    parser.add_argument("--workers", type=int, nargs="*", default=WORKERS)
    options = parser.parse_args()
    begun = time.monotonic()
    cells = []
    print(f"{'P':>4} {'W':>4} {'cursors':>8} {'share':>8} {'throttled':>10}")
    for partitions in options.partitions:
        for workers in options.workers:
            cell = measure(partitions, workers)
            cells.append(cell)
            note = "" if cell.holds else "  MISSED"
            note += "" if cell.is_bound else "  (fewer cursors than partitions)"
            print(
                f"{cell.partitions:4} {cell.workers:4} {cell.cursors:8} {cell.share:8.1%} {cell.throttled:10.1%}{note}",
                flush=True,
            )
    print(f"{time.monotonic() - begun:.0f} s")
    if options.json:
        options.json.write_text(json.dumps([asdict(cell) for cell in cells], indent=1))


if __name__ == "__main__":
    main()
