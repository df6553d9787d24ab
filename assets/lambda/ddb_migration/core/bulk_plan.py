"""The bulk plan: which units of work the bulk load consists of, and which task does which."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from ddb_migration.core.table import Table

# A G.1X worker has four cores (Glue API, WorkerType) and one worker is the driver.
CORES_PER_WORKER = {"G.1X": 4, "G.2X": 8, "G.4X": 16, "G.8X": 32}
# The unit that a job marks done when it has seen that all others are.
COMPLETE = "complete"
# A task is worth its start for so many bytes; a checkpoint is kept for so many.
TASK_BYTES = 64 * 1024 * 1024
SEGMENT_BYTES = 16 * 1024 * 1024
FEWEST_TASKS = 4
FEWEST_SEGMENTS = 16
# Segments or files that one task reads at once; with so many pages in memory a task stays under 64 MB.
CURSORS = 16
# What one task's files may take of its worker's disk. Four tasks share the 44 GB that a G.1X worker has free of its 94;
# larger workers have more for each task (Glue Developer Guide, "Worker types").
TASK_DISK_BYTES = 5 * 1024**3
_MIB = 1024 * 1024
# The read rate of a table on demand, a quarter of what a new one takes (Developer Guide, "On-demand capacity mode").
GENTLE_READS = 3000.0
# DynamoDB API, Scan: TotalSegments is at most 1,000,000; no table needs that many units to resume from.
MOST_SEGMENTS = 100_000


@dataclass(frozen=True)
class BulkPlan:
    """What a bulk load copies, written once in an epoch so that a resumed run does the same units.

    `units` is the number of Scan segments (direct) or 0 (large: the manifest lists the files); `manifest` is
    the key of the export's manifest-summary.json in the migration bucket.
    """

    units: int
    tasks: int
    manifest: str | None = None

    def to_text(self) -> str:
        """Return the plan as the control record holds it."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> BulkPlan:
        """Read what `to_text` wrote."""
        return cls(**json.loads(text))


def tasks_for(worker_type: str, max_workers: int) -> int:
    """Return how many tasks run side by side: the cores of all workers but the driver."""
    return CORES_PER_WORKER.get(worker_type, 4) * max(1, max_workers - 1)


def direct_plan(size_bytes: int, tasks: int) -> BulkPlan:
    """Plan a parallel Scan: a segment for each cursor and more, few tasks for a small table.

    Never fewer than four tasks: DynamoDB's figure is up to six hours old, and a table just filled looks empty.
    """
    used = min(tasks, max(FEWEST_TASKS, -(-size_bytes // TASK_BYTES)))
    mixed = min(used * CURSORS, size_bytes // _MIB)
    return BulkPlan(max(used, FEWEST_SEGMENTS, mixed, min(-(-size_bytes // SEGMENT_BYTES), MOST_SEGMENTS)), used)


def files_at_once(sizes: Iterable[int]) -> int:
    """Return how many of an export's files one task may have on disk at once; at least one, and at most `CURSORS`.

    A file is downloaded whole, as only then its checksum tells that it is what DynamoDB wrote. The largest that a task
    can meet together are within `TASK_DISK_BYTES`; where a single one is larger, a task reads one file at a time.
    """
    largest = itertools.accumulate(sorted(sizes, reverse=True)[:CURSORS])
    return max(1, sum(together <= TASK_DISK_BYTES for together in largest))


def plan_name(plan: BulkPlan, export_arn: str | None) -> str:
    """Return what tells one plan's units from another's: TotalSegments, or the export."""
    return str(plan.units) if export_arn is None else export_arn.rsplit("/", 1)[-1]


def gentle_read_units(source: Table | None) -> float:
    """Return the default read rate: half of what is provisioned; on demand 3,000 units a second, or half of a cap."""
    if source is None:
        return GENTLE_READS
    if source.provisioned_reads:
        return source.provisioned_reads / 2
    return min(GENTLE_READS, source.most_reads / 2) if source.most_reads else GENTLE_READS


def runs(units: int, tasks: int, cursors: int) -> list[list[list[int]]]:
    """Return for each task its cursors' runs of neighbouring units, which each cursor does one after the other.

    All runs of all tasks begin, and stay, evenly spread over the key space: a task's cursors are `tasks` runs apart.
    Neighbouring units hash to neighbouring partitions of the destination; spread ones keep them all busy.
    """
    count = tasks * max(1, min(cursors, units // tasks))
    edges = [run * units // count for run in range(count + 1)]
    dealt = [[list(range(edges[run], edges[run + 1])) for run in range(task, count, tasks)] for task in range(tasks)]
    return [kept for task in dealt if (kept := [run for run in task if run])]
