"""The two switches of the source that `enable_source_features` permits."""

from __future__ import annotations

from collections.abc import Iterable

from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.tables import Tables
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table

CURED = ("source-stream-off", "source-recovery-off")


def uncured(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that the two switches do not cure."""
    return [finding for finding in findings if finding.code not in CURED]


def switch_on(tables: Tables, control: ControlTable, setup: Setup) -> bool:
    """Switch on what the source lacks, on record; True while something is being switched on, so look again later."""
    source = setup.source
    if source is None:
        return False
    if source.stream_arn is None:
        control.note_switched_on("stream")
        _enable_stream(tables, source)
        return True
    if setup.is_large and not setup.source_recovery:
        control.note_switched_on("point_in_time_recovery")
        tables.enable_recovery(source.arn)
        return True
    return source.status == "UPDATING"


def _enable_stream(tables: Tables, source: Table) -> None:
    # UpdateTable is refused while the table is being updated; the next look tries again.
    if source.status == "ACTIVE":
        tables.enable_stream(source.arn)
