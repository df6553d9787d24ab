"""The export that may still write into the bucket when its migration has ended."""

from __future__ import annotations

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.aws.exports import Exports
from ddb_migration.core.control_record import ControlRecord


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
