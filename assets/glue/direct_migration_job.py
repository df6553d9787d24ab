"""DirectMigrationJob: a parallel, consistent Scan of the source, written to the destination.

Spark starts the tasks on many machines and does nothing else: no DataFrame and no DynamicFrame ever sees an
item, because their schema inference changes types.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

from ddb_migration.aws.bulk_load import ARGUMENTS, Load
from ddb_migration.aws.clients import client
from ddb_migration.aws.errors import persist
from ddb_migration.core.bulk_plan import strided
from ddb_migration.core.deadline import Deadline
from ddb_migration.core.pace import Pace

NO_DEADLINE = Deadline(float("inf"))


def unit(segment: int) -> str:
    """Return the checkpoint's name of a Scan segment."""
    return f"segment#{segment:06d}"


def copy_segments(load: Load, segments: Iterable[int]) -> int:
    """Copy segments, a page of each in turn, and return how many items were written.

    Taking turns spreads the writes over the key space, so over the destination's partitions.
    """
    task = _Task(load)
    cursors = deque(cursor for segment in segments if (cursor := task.cursor(segment)) is not None)
    while cursors:
        following = task.page(*cursors.popleft())
        if following is not None:
            cursors.append(following)
    return task.written


Cursor = tuple[int, dict[str, Any] | None]


class _Task:
    """One task's connections, and its share of the read rate."""

    def __init__(self, load: Load) -> None:
        self.written = 0
        self._load = load
        self._scan = client("dynamodb").scan
        self._permit = load.permit
        self._writer = load.writer(self._permit)
        self._checkpoints = load.checkpoints
        self._pace = Pace(time.monotonic, time.sleep)

    def cursor(self, segment: int) -> Cursor | None:
        """Return where a segment goes on, None when it is done."""
        checkpoint = self._checkpoints.read(unit(segment))
        return None if checkpoint.done else (segment, checkpoint.position)

    def page(self, segment: int, start: dict[str, Any] | None) -> Cursor | None:
        """Copy one page and record it; return the cursor of the next, None at the segment's end."""
        self._pace.wait()
        record = self._permit.require()
        page = persist(lambda: self._read(segment, start), NO_DEADLINE, time.sleep)
        rejected = self._writer.write(page["Items"])
        items = len(page["Items"])
        position = page.get("LastEvaluatedKey")
        counts = {"items_read": items, "items_written": items - rejected, "items_rejected": rejected}
        self._checkpoints.advance(unit(segment), position, counts)
        self.written += items - rejected
        share = float(record.max_read_units_per_second or 3000) / self._load.plan.tasks
        self._pace.spend(page["ConsumedCapacity"]["CapacityUnits"], share)
        return None if position is None else (segment, position)

    def _read(self, segment: int, start: dict[str, Any] | None) -> dict[str, Any]:
        # Consistent: what was written before capture began must be seen.
        page: dict[str, Any] = self._scan(
            TableName=self._load.source_table,
            Segment=segment,
            TotalSegments=self._load.plan.units,
            ConsistentRead=True,
            ReturnConsumedCapacity="TOTAL",
            **({"ExclusiveStartKey": start} if start else {}),
        )
        return page


def main() -> None:
    """Run the job: one Spark task for each list of segments."""
    load = Load.of(getResolvedOptions(sys.argv, ["JOB_NAME", *ARGUMENTS]))
    lists = strided(load.plan.units, load.plan.tasks)

    def run(partition: Iterable[list[int]]) -> Iterable[int]:
        for segments in partition:
            yield copy_segments(load, segments)

    written = SparkContext.getOrCreate().parallelize(lists, len(lists)).mapPartitions(run).sum()
    load.complete(unit(segment) for segment in range(load.plan.units))
    print(f"wrote {written} items in this run")


if __name__ == "__main__":
    main()
