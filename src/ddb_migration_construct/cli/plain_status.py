"""The status of migrations as plain text."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration_construct.cli.facts import facts, path, place
from ddb_migration_construct.cli.reading import Status
from ddb_migration_construct.cli.samples import Samples
from ddb_migration_construct.cli.words import between

_LABEL = 10
# What a line of progress leaves out, because it changes too seldom or is too long.
_NOT_IN_A_LINE = ("next", "verified")


def status_lines(status: Status) -> Iterator[str]:
    """Yield the status line by line."""
    yield f"{'migration':<{_LABEL}} {status.migration}"
    if status.tables is not None:
        yield f"{'tables':<{_LABEL}} {between(*status.tables)}"
    epoch = f", epoch {status.record.epoch} {status.record.status}" if status.record.epoch else ""
    yield f"{'phase':<{_LABEL}} {status.phase} ({place(status)} of {len(path(status))} states done){epoch}"
    if status.execution is not None:
        yield f"{'execution':<{_LABEL}} {status.execution.status}  {status.execution.arn}"
    yield from (f"{label:<{_LABEL}} {text}" for label, text in facts(status))


def progress_line(status: Status, samples: Samples | None = None) -> str:
    """Return what is worth saying now as one line."""
    told = (f"{label} {text}".strip() for label, text in facts(status, samples) if label not in _NOT_IN_A_LINE)
    return " | ".join([f"{status.migration} {status.phase}", *told])
