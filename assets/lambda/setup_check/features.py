"""The two switches of the source that `enable_source_features` permits."""

from __future__ import annotations

from collections.abc import Iterable

from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.tables import Tables
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table

# A stream is switched on within a minute or two; what updates the table for longer is another matter.
ENABLING_POLLS = 8

CURED = ("source-stream-off", "source-recovery-off")


def uncured(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that the two switches do not cure."""
    return [finding for finding in findings if finding.code not in CURED]


def switch_on(tables: Tables, control: ControlTable, setup: Setup, polls: int = 0) -> str | None:
    """Switch on what the source lacks, on record; return what has to be waited for, None when all is on.

    `polls` is how often it was waited already. A table with a stream may be UPDATING for hours (an index is being
    created, say): that is waited for only while it may be the stream that was just asked for.
    """
    source = setup.source
    if source is None:
        return None
    if source.stream_arn is None:
        control.note_switched_on("stream")
        return _enable_stream(tables, source)
    if setup.is_large and not setup.source_recovery:
        control.note_switched_on("point_in_time_recovery")
        tables.enable_recovery(source.arn)
        return "the source's point-in-time recovery to be switched on"
    if source.status == "UPDATING" and 0 < polls < ENABLING_POLLS:
        return "the source's stream to be switched on"
    return None


def _enable_stream(tables: Tables, source: Table) -> str:
    # UpdateTable is refused while the table is being updated; the next look tries again.
    if source.status != "ACTIVE":
        return f"the source to be ACTIVE, so that its stream can be switched on; it is {source.status}"
    tables.enable_stream(source.arn)
    return "the source's stream to be switched on"
