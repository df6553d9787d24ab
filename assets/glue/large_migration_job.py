"""LargeMigrationJob: the files of an export, checked against its manifest, written to the destination.

Items travel as the export's own DynamoDB JSON; Spark starts the tasks and never sees an item.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext

from ddb_migration.aws.bulk_load import ARGUMENTS, Load
from ddb_migration.aws.clients import client
from ddb_migration.aws.export_files import ExportFile, ExportFiles
from ddb_migration.core.bulk_plan import strided

# Items written between two checkpoints of a file.
STEP = 5_000


def copy_files(load: Load, bucket: str, files: Iterable[ExportFile]) -> int:
    """Copy files one after the other and return how many items were written."""
    permit = load.permit
    writer, checkpoints, reader = load.writer(permit), load.checkpoints, ExportFiles(client("s3"), bucket)
    written = 0
    for file in files:
        checkpoint = checkpoints.read(file.unit)
        if checkpoint.done:
            continue
        start = int((checkpoint.position or {"item": {"N": "0"}})["item"]["N"])
        for first, items in reader.items(file, start, STEP):
            permit.require()
            rejected = writer.write(items)
            counts = {
                "items_read": len(items),
                "items_written": len(items) - rejected,
                "items_rejected": rejected,
            }
            checkpoints.advance(file.unit, {"item": {"N": str(first + len(items))}}, counts)
            written += len(items) - rejected
        checkpoints.advance(file.unit, None, {})
    return written


def main() -> None:
    """Run the job: one Spark task for each list of files that the manifest names."""
    arguments = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket", *ARGUMENTS])
    load, bucket = Load.of(arguments), arguments["bucket"]
    files = ExportFiles(client("s3"), bucket).listed(str(load.plan.manifest), str(load.export_arn))
    lists = [[files[position] for position in positions] for positions in strided(len(files), load.plan.tasks)]

    def run(partition: Iterable[list[ExportFile]]) -> Iterable[int]:
        for share in partition:
            yield copy_files(load, bucket, share)

    if lists:
        written = SparkContext.getOrCreate().parallelize(lists, len(lists)).mapPartitions(run).sum()
        print(f"wrote {written} items in this run")
    load.complete(file.unit for file in files)


if __name__ == "__main__":
    main()
