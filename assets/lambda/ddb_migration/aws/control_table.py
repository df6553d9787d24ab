"""The control record in the control table: every write to it is conditional."""

from __future__ import annotations

from typing import Any

from ddb_migration.aws.rows import ConditionFailed, Rows
from ddb_migration.core.control_record import ABORTING, CLOSED, OPEN, ControlRecord, MigrationStopped
from ddb_migration.names import PARKED_EPOCH, PARKED_INDEX

_PK, _SK = "migration", "record"
_MINE = "#execution = :execution AND #status = :open AND attribute_not_exists(#tombstone)"
# What an epoch starts without: everything that an earlier one wrote.
_OF_AN_EPOCH = (
    "#bulk_load, #plan, #export_time, #export_arn, #settled_at, #bulk_loaded_at, #apply_started, #barrier_at, "
    "#trigger_enabled_at, #drained_at, #mappings_removed_at, #max_read_units_per_second, "
    "#max_write_units_per_second, #paused"
)


class ControlTable:
    """The control record of one migration."""

    def __init__(self, client: Any, table: str) -> None:
        self.rows = Rows(client, table)

    def read(self) -> ControlRecord:
        """Return the record as it stands now, by a consistent read."""
        return ControlRecord.of(self.rows.get(_PK, _SK))

    def open_epoch(self, epoch: str, execution: str, stream_arn: str, now: float) -> ControlRecord:
        """Open an epoch where none is open.

        Raises MigrationStopped when another execution was first, or the migration is being removed.
        """
        fresh = (
            "SET #epoch = :epoch, #status = :open, #execution = :execution, #stream_arn = :stream_arn, "
            f"#captured_from = :now REMOVE {_OF_AN_EPOCH}"
        )
        values = {"epoch": epoch, "open": OPEN, "execution": execution, "stream_arn": stream_arn, "now": now}
        free = "attribute_not_exists(#tombstone) AND (attribute_not_exists(#status) OR #status = :closed)"
        return self._write(fresh, {**values, "closed": CLOSED}, free)

    def take_over(self, execution: str, previous: str | None) -> ControlRecord:
        """Make an execution the holder of the open epoch, in place of one that has ended."""
        when = "#status = :open AND attribute_not_exists(#tombstone) AND #execution = :previous"
        values = {"execution": execution, "previous": previous or "", "open": OPEN}
        return self._write("SET #execution = :execution", values, when)

    def enter(self, execution: str, phase: str) -> ControlRecord:
        """Record that the holding execution entered a state; raises MigrationStopped when it no longer holds."""
        values = {"execution": execution, "open": OPEN, "phase": phase}
        return self._write("SET #phase = :phase", values, _MINE)

    def set_once(self, execution: str, **values: Any) -> ControlRecord:
        """Write attributes that are not there yet, leave those that are, and return the record."""
        sets = ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in values)
        return self._write(f"SET {sets}", {**values, "execution": execution, "open": OPEN}, _MINE)

    def forget_export(self, execution: str) -> ControlRecord:
        """Forget an export that failed, so that the next start makes another."""
        return self._write("REMOVE #export_time, #export_arn", {"execution": execution, "open": OPEN}, _MINE)

    def begin_abort(self) -> ControlRecord:
        """Forbid all further work of the open epoch; a closed or aborting one stays as it is."""
        values = {"aborting": ABORTING, "open": OPEN}
        return self._write("SET #status = :aborting", {**values}, "#status = :open OR #status = :aborting")

    def note_mappings_removed(self, now: float) -> ControlRecord:
        """Record that mappings stood there until now; the functions may run on for one time-out after it."""
        return self._write("SET #mappings_removed_at = :now", {"now": now})

    def close(self) -> ControlRecord:
        """Close the epoch."""
        return self._write("SET #status = :closed", {"closed": CLOSED})

    def bury(self) -> ControlRecord:
        """Set the tombstone: nothing of this migration may be created any more."""
        return self._write("SET #tombstone = :yes", {"yes": True})

    def parked(self, epoch: str) -> int:
        """Return how many keys of the epoch are parked."""
        return self.rows.count(PARKED_INDEX, PARKED_EPOCH, epoch)

    def _write(self, expression: str, values: dict[str, Any], when: str | None = None) -> ControlRecord:
        try:
            return ControlRecord.of(self.rows.update(_PK, _SK, expression, values, when))
        except ConditionFailed as refused:
            record = ControlRecord.of(refused.row)
            record.require_open()
            if record.execution == values.get("execution"):
                # The answer to this very write was lost, and boto3 wrote again.
                return record
            raise MigrationStopped(f"another execution runs this migration: {record.execution}") from refused
