"""What the two Glue jobs share: their arguments, the parts of a task, and the end of a load."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ddb_migration.aws.checkpoints import Checkpoints
from ddb_migration.aws.clients import client
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.destination_access import DestinationAccess
from ddb_migration.aws.tables import Tables
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.bulk_plan import BulkPlan, plan_name
from ddb_migration.core.control_record import ControlRecord, MigrationStopped

ARGUMENTS = (
    "migration_name",
    "control_table",
    "source_table",
    "destination_table",
    "destination_role",
    "epoch",
    "max_rejected_items",
)


class LoadIncomplete(Exception):
    """Units of the plan are not done although every task has ended."""


class ItemsRejected(Exception):
    """The destination rejects more items than the migration may leave out; the text says how many and where."""


@dataclass(frozen=True)
class Load:
    """One bulk load, as the driver sees it and as it travels to the tasks."""

    migration_name: str
    control_table: str
    source_table: str
    destination_table: str
    destination_role: str
    epoch: str
    max_rejected_items: int
    stream_arn: str
    key_names: tuple[str, ...]
    items: int
    plan: BulkPlan
    export_arn: str | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, str]) -> Load:
        """Read the epoch's plan; raises MigrationStopped when this epoch may not be loaded (any more)."""
        record = ControlTable(client("dynamodb"), arguments["control_table"]).read()
        record.require_bulk_load(arguments["epoch"])
        source = Tables(client("dynamodb")).require(arguments["source_table"])
        texts = {name: arguments[name] for name in ARGUMENTS if name != "max_rejected_items"}
        return cls(
            **texts,
            max_rejected_items=int(arguments["max_rejected_items"]),
            stream_arn=str(record.stream_arn),
            key_names=source.key_names,
            items=source.item_count,
            plan=_plan(record),
            export_arn=record.export_arn,
        )

    @property
    def destination(self) -> DestinationAccess:
        """Return how the destination is called."""
        return DestinationAccess.of(self.destination_table, self.destination_role)

    @property
    def control(self) -> ControlTable:
        """Return the control table."""
        return ControlTable(client("dynamodb"), self.control_table)

    @property
    def checkpoints(self) -> Checkpoints:
        """Return the checkpoints of this epoch and plan."""
        return Checkpoints(self.control.rows, self.epoch, plan_name(self.plan, self.export_arn))

    @property
    def watermarks(self) -> Watermarks:
        """Return where rejected items are parked."""
        return Watermarks(self.control.rows, self.stream_arn, time.time)

    def complete(self, units: Iterable[str]) -> None:
        """Mark the load complete; raises LoadIncomplete when a unit is not done, and ItemsRejected."""
        done = self.checkpoints.done()
        missing = sorted(set(units) - set(done))
        if missing:
            raise LoadIncomplete(f"{len(missing)} units are not done, the first is {missing[0]}")
        rejected = {unit: saved.items_rejected for unit, saved in sorted(done.items()) if saved.items_rejected}
        if sum(rejected.values()) > self.max_rejected_items:
            raise ItemsRejected(_told(rejected, self.max_rejected_items))
        self.checkpoints.complete()


def _told(rejected: Mapping[str, int], most: int) -> str:
    places = ", ".join(f"{unit} ({count})" for unit, count in list(rejected.items())[:20])
    return (
        f"the destination rejects {sum(rejected.values())} items and max_rejected_items is {most}; everything else "
        f"is written. They came from {places}; each is parked in the control table with DynamoDB's reason. Set "
        "max_rejected_items to leave so many out and start the migration again, or give it up (ddb-migration abort)"
    )


def _plan(record: ControlRecord) -> BulkPlan:
    if record.plan is None:
        raise MigrationStopped("the bulk load is not planned; start the state machine, not the job")
    return BulkPlan.from_text(record.plan)
