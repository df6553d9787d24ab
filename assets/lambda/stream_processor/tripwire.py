"""The tripwire: after the cut-over capture stays on, and tells of every change that the source is still given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ddb_migration.aws.late_changes import LateChangeRows
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.change import Change, newest_per_key
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.stream_record import is_expiry
from ddb_migration.core.watermark import is_applied

# An attempt writes for 20 s after it has raised the watermark, and no request lives longer than a message of the
# queue stays hidden; stream records bear whole seconds.
OWN_WRITE_SECONDS = 200.0


Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


def note_late(
    rows: Rows,
    record: ControlRecord,
    bodies: Sequence[Mapping[str, Any]],
    clock: Callable[[], float],
    each: Mapper = map,
) -> int:
    """Keep the keys that changed after the cut-over, and return how many of a batch's did.

    What Lambda only delivers once more was applied before; what expires is DynamoDB's own work, and what the reverse
    path has written is the migration's. After a roll back the table is in use again, and nothing is late.

    This comes before anything is sent, for what is applied does not look late any more. `each` makes the calls of
    several keys side by side: a batch may hold a thousand.
    """
    if record.is_rolled_back:
        return 0
    changes = newest_per_key(Change.from_record(body) for body in bodies if not is_expiry(body))
    # What Lambda delivers once more of the migration's own writes has no watermark on the path that let it go.
    changes = [change for change in changes if change.created >= record.own_until]
    watermarks, noted = Watermarks(rows, str(record.stream_arn), clock), LateChangeRows(rows, str(record.epoch))

    def note(change: Change) -> bool:
        if is_applied(watermarks.number(change.key), change.number) or _is_carried_back(rows, record, change, clock):
            return False
        noted.note(change.key, change.number, change.created)
        return True

    return sum(each(note, changes))


def _is_carried_back(rows: Rows, record: ControlRecord, change: Change, clock: Callable[[], float]) -> bool:
    """Tell whether the reverse path has written the key, then or since: it raises the watermark before it writes."""
    if record.reverse_stream_arn is None:
        return False
    raised_at = Watermarks(rows, record.reverse_stream_arn, clock).raised_at(change.key)
    return raised_at is not None and raised_at >= change.created - OWN_WRITE_SECONDS
