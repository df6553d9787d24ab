"""The export of a migration that has ended: it may still write, and is of no use to anybody."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from clean_up import bucket
from ddb_migration.aws.errors import code
from ddb_migration.aws.exports import Exports, exports_of
from ddb_migration.core.control_record import CLOSED, ControlRecord


def unfinished_export(exports: Exports, record: ControlRecord) -> str | None:
    """Return what is waited for, or None when the epoch's export writes nothing any more.

    An export cannot be stopped (DynamoDB API), and what it writes after the emptying keeps the bucket from going.
    """
    if record.export_arn is None:
        return None
    try:
        status = exports.describe(record.export_arn)["ExportStatus"]
    except ClientError as error:
        if code(error) != "ExportNotFoundException":
            raise
        return None
    return "DynamoDB to end its export, which nothing can stop" if status == "IN_PROGRESS" else None


def remove_export(s3: Any, exports: Exports, record: ControlRecord, bucket_name: str) -> None:
    """Remove the export of an epoch that was given up: a copy of the whole source, which nobody will read.

    One that DynamoDB still writes is left, since an abort must not wait for hours: it goes with the stack.
    """
    if record.status == CLOSED and record.export_arn is not None and unfinished_export(exports, record) is None:
        bucket.empty(s3, bucket_name, exports_of(str(record.epoch)))
