"""DirectMigrationJob: a parallel, consistent Scan of the source, written to the destination.

Spark starts the tasks on many machines and does nothing else: no DataFrame and no DynamicFrame ever sees an
item, because their schema inference changes types, and no item is shuffled, because the tasks mix their segments.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

from ddb_migration.aws.bulk_load import ARGUMENTS, Load
from ddb_migration.aws.bulk_readers import SegmentReader, segment_unit
from ddb_migration.aws.bulk_task import run_task
from ddb_migration.aws.spark import at_once
from ddb_migration.aws.task_failures import telling_the_cause
from ddb_migration.core.bulk_plan import CURSORS, runs


def copy_segments(load: Load, segments: Sequence[Sequence[int]], tasks: int) -> int:
    """Copy runs of segments, side by side, and return how many items were written in this run.

    `tasks` is how many tasks work at once: they share the rates.
    """
    units = [[segment_unit(segment) for segment in run] for run in segments]
    expected = load.items * sum(map(len, units)) // load.plan.units
    total = load.plan.units
    return run_task(load, units, tasks, lambda port: SegmentReader(port, total), expected).items_written


def copy(spark: Any, load: Load) -> int:
    """Copy all segments, one Spark task for each list of runs, and return how many items were written in this run."""
    shares = runs(load.plan.units, load.plan.tasks, CURSORS)
    tasks = at_once(spark, len(shares))

    def run(partition: Iterable[list[list[int]]]) -> Iterable[int]:
        for share in partition:
            yield copy_segments(load, share, tasks)

    with telling_the_cause():
        return int(spark.parallelize(shares, len(shares)).mapPartitions(run).sum())


def main() -> None:
    """Run the job."""
    load = Load.of(getResolvedOptions(sys.argv, ["JOB_NAME", *ARGUMENTS]))
    written = copy(SparkContext.getOrCreate(), load)
    load.complete(segment_unit(segment) for segment in range(load.plan.units))
    print(f"wrote {written} items in this run")


if __name__ == "__main__":
    main()
