"""LargeMigrationJob: the files of an export, checked against its manifest, written to the destination.

Items travel as the export's own DynamoDB JSON; Spark starts the tasks and never sees an item.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

from ddb_migration.aws.bulk_load import ARGUMENTS, Load
from ddb_migration.aws.bulk_readers import FileReader
from ddb_migration.aws.bulk_task import run_task
from ddb_migration.aws.clients import client
from ddb_migration.aws.export_files import ExportFile, ExportFiles
from ddb_migration.aws.spark import at_once
from ddb_migration.aws.task_failures import telling_the_cause
from ddb_migration.core.bulk_plan import files_at_once, runs


def dealt_files(export: ExportFiles, files: Sequence[ExportFile], tasks: int) -> list[list[list[ExportFile]]]:
    """Return for each task its cursors' runs of files: as many cursors as the worker's disk holds files for."""
    cursors = files_at_once(export.sizes(files))
    return [[[files[place] for place in run] for run in task] for task in runs(len(files), tasks, cursors)]


def copy_files(load: Load, bucket: str, files: Sequence[Sequence[ExportFile]], tasks: int) -> int:
    """Copy runs of files, side by side, and return how many items were written in this run.

    `tasks` is how many tasks work at once: they share the rates.
    """
    export = ExportFiles(client("s3"), bucket)
    mine = [file for run in files for file in run]
    units = [[file.unit for file in run] for run in files]
    expected = sum(file.item_count for file in mine)
    return run_task(load, units, tasks, lambda port: FileReader(port, export, mine), expected).items_written


def copy(spark: Any, load: Load, bucket: str, shares: Sequence[Sequence[Sequence[ExportFile]]]) -> int:
    """Copy all files, one Spark task for each share, and return how many items were written in this run."""
    tasks = at_once(spark, len(shares))

    def run(partition: Iterable[Sequence[Sequence[ExportFile]]]) -> Iterable[int]:
        for share in partition:
            yield copy_files(load, bucket, share, tasks)

    with telling_the_cause():
        return int(spark.parallelize(shares, len(shares)).mapPartitions(run).sum())


def main() -> None:
    """Run the job over the files that the manifest names."""
    arguments = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket", *ARGUMENTS])
    load, bucket = Load.of(arguments), arguments["bucket"]
    export = ExportFiles(client("s3"), bucket)
    files = export.listed(str(load.plan.manifest), str(load.export_arn))
    shares = dealt_files(export, files, load.plan.tasks)
    if shares:
        written = copy(SparkContext.getOrCreate(), load, bucket, shares)
        print(f"wrote {written} items in this run")
    load.complete(file.unit for file in files)


if __name__ == "__main__":
    main()
