"""What the two Glue jobs share: their arguments, the parts of a task, and the end of a load."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ddb_migration.aws.bulk_permit import BulkPermit
from ddb_migration.aws.bulk_writer import BulkWriter
from ddb_migration.aws.checkpoints import Checkpoints
from ddb_migration.aws.clients import client, writer
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.tables import Tables
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.bulk_plan import COMPLETE, BulkPlan
from ddb_migration.core.control_record import ControlRecord, MigrationStopped

ARGUMENTS = ("control_table", "source_table", "destination_table", "epoch")


class LoadIncomplete(Exception):
    """Units of the plan are not done although every task has ended."""


@dataclass(frozen=True)
class Load:
    """One bulk load, as the driver sees it and as it travels to the tasks."""

    control_table: str
    source_table: str
    destination_table: str
    epoch: str
    stream_arn: str
    key_names: tuple[str, ...]
    plan: BulkPlan
    export_arn: str | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, str]) -> Load:
        """Read the epoch's plan; raises MigrationStopped when this epoch may not be loaded (any more)."""
        record = ControlTable(client("dynamodb"), arguments["control_table"]).read()
        record.require_bulk_load(arguments["epoch"])
        return cls(
            **{name: arguments[name] for name in ARGUMENTS},
            stream_arn=str(record.stream_arn),
            key_names=_key_names(arguments["source_table"]),
            plan=_plan(record),
            export_arn=record.export_arn,
        )

    @property
    def checkpoints(self) -> Checkpoints:
        """Return the checkpoints of this epoch."""
        return Checkpoints(ControlTable(client("dynamodb"), self.control_table).rows, self.epoch)

    @property
    def permit(self) -> BulkPermit:
        """Return a new permit, for one task."""
        return BulkPermit(ControlTable(client("dynamodb"), self.control_table), self.epoch, time.monotonic)

    def writer(self, permit: BulkPermit) -> BulkWriter:
        """Return a writer to the destination under a permit."""
        rows = ControlTable(client("dynamodb"), self.control_table).rows
        watermarks = Watermarks(rows, self.stream_arn, time.time)
        table = self.destination_table
        return BulkWriter(writer("dynamodb"), table, self.key_names, permit, watermarks, self.epoch, time.sleep)

    def complete(self, units: Iterable[str]) -> None:
        """Mark the load complete; raises LoadIncomplete when a unit is not done."""
        checkpoints = self.checkpoints
        missing = sorted(set(units) - checkpoints.done())
        if missing:
            raise LoadIncomplete(f"{len(missing)} units are not done, the first is {missing[0]}")
        checkpoints.advance(COMPLETE, None, {})


def _key_names(table_arn: str) -> tuple[str, ...]:
    table = Tables(client("dynamodb")).describe(table_arn)
    if table is None:
        raise MigrationStopped(f"the table {table_arn} is gone")
    return table.key_names


def _plan(record: ControlRecord) -> BulkPlan:
    if record.plan is None:
        raise MigrationStopped("the bulk load is not planned; start the state machine, not the job")
    return BulkPlan.from_text(record.plan)
