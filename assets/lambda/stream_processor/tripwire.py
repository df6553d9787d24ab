"""The tripwire: after the cut-over capture stays on, and tells of every change that the source is still given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ddb_migration.aws.late_changes import LateChangeRows
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.change import Change, newest_per_key
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.stream_record import is_expiry
from ddb_migration.core.watermark import is_applied


def note_late(
    rows: Rows, record: ControlRecord, bodies: Sequence[Mapping[str, Any]], clock: Callable[[], float]
) -> int:
    """Keep the keys that changed after the cut-over, and return how many of a batch's did.

    What Lambda only delivers once more was applied before; what expires is DynamoDB's own work.
    """
    changes = newest_per_key(Change.from_record(body) for body in bodies if not is_expiry(body))
    watermarks = Watermarks(rows, str(record.stream_arn), clock)
    late = [change for change in changes if not is_applied(watermarks.number(change.key), change.number)]
    for change in late:
        LateChangeRows(rows, str(record.epoch)).note(change.key, change.number, change.created)
    return len(late)
