"""The look at AWS that SetupCheck's pure checks work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ddb_migration import names
from ddb_migration.aws.continuity import Continuity
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.destination_lock import DestinationLock
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.mappings import ENABLED, Mappings
from ddb_migration.aws.progress import CAPTURE, Progress
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.aws.tables import Tables
from ddb_migration.core.bulk_plan import gentle_read_units
from ddb_migration.core.continuity import CAPTURE_LEG
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.fence import Statement, fence_sid, fence_statement
from ddb_migration.core.place import Place
from ddb_migration.core.resource_policy import callers_from_text
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table
from setup_check.asking import Asking


@dataclass(frozen=True)
class Look:
    """Reads everything that `core.checks.check` asks; writes nothing."""

    environment: Environment
    tables: Tables
    destination_tables: Tables
    destination_policy: TablePolicy
    control: ControlTable
    mappings: Mappings
    executions: Executions
    lock: DestinationLock
    clock: Callable[[], float]

    def at(self, execution: str) -> Setup:
        """Look at the set-up on behalf of an execution (its ARN, whose Region and account are the migration's)."""
        asking, there, home = Asking(), Asking(), Place.of(execution)
        record, settings, holder = self.control.read(), self.environment.settings, self.lock.other()
        source, destination = self._source(home), self._destination(there, home)
        access = self.environment.destination
        return Setup(
            migration=self.environment[names.MIGRATION_NAME],
            source_arn=self.environment[names.SOURCE_TABLE],
            destination_arn=self.environment[names.DESTINATION_TABLE],
            home=home,
            source=source,
            destination=destination,
            source_recovery=self._has_recovery(asking, source),
            destination_empty=record.is_open or self._is_empty(there, destination),
            is_large=_is_large(record, source, settings.size_threshold_bytes),
            record=record,
            captured_until=self._captured_until(record),
            source_readers=self._readers(source),
            destination_readers=self._readers(destination) if access.is_at(home) else (),
            source_time_to_live=self._time_to_live(asking, self.tables, source),
            destination_time_to_live=self._time_to_live(there, self.destination_tables, destination),
            running_execution=self._running(record, execution),
            destination_holder=holder.name if holder else None,
            retention_seconds=settings.change_retention_seconds,
            read_units=settings.max_read_units_per_second or gentle_read_units(source),
            write_units=settings.max_write_units_per_second,
            now=self.clock(),
            fence=self._fence(settings.fence_source_writes),
            destination_fence=self._destination_fence(),
            source_policy=self._policy(asking, settings.fence_source_writes, source),
            denied=tuple(asking.denied),
            destination_role=access.role,
            destination_policy=self._destination_policy(asking, home, destination),
            destination_denied=tuple(there.denied),
            destination_key=settings.destination_key,
            callers=callers_from_text(self.environment.values.get(names.DESTINATION_CALLERS)),
        )

    def _fence(self, is_asked_for: bool) -> Statement | None:
        if not is_asked_for:
            return None
        sid, source = fence_sid(self.environment[names.CONTROL_TABLE]), self.environment[names.SOURCE_TABLE]
        # The statement in its full length: the policy has to have room for it.
        exempt = [self.environment[names.REVERSE_WRITE_CDC_ROLE]] if self.environment.reverse else []
        return fence_statement(sid, source, exempt)

    def _destination_fence(self) -> Statement | None:
        if self.environment.reverse is None:
            return None
        sid = fence_sid(self.environment[names.CONTROL_TABLE])
        return fence_statement(sid, self.environment[names.DESTINATION_TABLE])

    def _policy(self, asking: Asking, is_asked_for: bool, source: Table | None) -> str | None:
        if source is None or not is_asked_for:
            return None
        return asking.ask(lambda: self.tables.policy(source.arn), None)

    def _source(self, home: Place) -> Table | None:
        """Describe the source; in another Region or account it is out of reach."""
        arn = self.environment[names.SOURCE_TABLE]
        return self.tables.describe(arn) if Place.of(arn) == home else None

    def _destination(self, asking: Asking, home: Place) -> Table | None:
        """Describe the destination; in another Region it is out of reach without a role."""
        access = self.environment.destination
        if access.role is None and Place.of(access.table_arn).region != home.region:
            return None
        return asking.ask(lambda: self.destination_tables.describe(access.table_arn), None)

    def _destination_policy(self, asking: Asking, home: Place, destination: Table | None) -> str | None:
        """Return the policy of a destination of another account; where it may not be read, it lacks that too.

        That of the own account is of interest only where the migration may fence it.
        """
        access = self.environment.destination
        if self.environment.reverse is not None and destination is not None and access.is_at(home):
            return asking.ask(lambda: self.destination_tables.policy(destination.arn), None)
        if access.role is not None or Place.of(access.table_arn).account == home.account:
            return None
        return Asking().ask(self.destination_policy.text, None)

    def _has_recovery(self, asking: Asking, source: Table | None) -> bool:
        return source is not None and asking.ask(lambda: self.tables.has_recovery(source.arn), True)

    def _is_empty(self, asking: Asking, destination: Table | None) -> bool:
        if destination is None or not destination.is_usable:
            return True
        return asking.ask(lambda: self.destination_tables.is_empty(destination.arn), True)

    def _time_to_live(self, asking: Asking, tables: Tables, table: Table | None) -> str | None:
        return asking.ask(lambda: tables.time_to_live(table.arn), None) if table and table.is_usable else None

    def _readers(self, table: Table | None) -> tuple[str, ...]:
        """Return the other functions that read a table's stream."""
        if table is None or table.stream_arn is None:
            return ()
        paths = [path for path in (self.environment, self.environment.reverse) if path is not None]
        ours = {path[names.STREAM_PROCESSOR] for path in paths}
        found = {str(mapping["FunctionArn"]) for mapping in self.mappings.of_source(table.stream_arn)}
        return tuple(sorted(found - ours))

    def _captured_until(self, record: ControlRecord) -> float | None:
        """Return up to when changes are captured for certain, None where capture works now or never began.

        That is the age of what the last batches held: capture that was hours behind when it stopped, or one batch
        that came late, must not pass for capture that was in step.
        """
        if not record.is_open or record.stream_arn is None:
            return None
        function = self.environment[names.STREAM_PROCESSOR]
        found = self.mappings.of(function, record.stream_arn)
        if found and found[0]["State"] == ENABLED:
            return None
        reports = Progress(self.control.rows, str(record.epoch)).reports(CAPTURE)
        known = Continuity(self.control, CAPTURE_LEG, self.clock).until(record)
        return max([known, *(report.at - report.age for report in reports)])

    def _running(self, record: ControlRecord, execution: str) -> str | None:
        holder = record.execution
        if not record.is_open or holder is None or holder == execution:
            return None
        return holder if self.executions.is_running(holder) else None


def _is_large(record: ControlRecord, source: Table | None, threshold: int) -> bool:
    """Tell which bulk load it is: the one that the open epoch has chosen, else what the size says."""
    if record.is_open and record.bulk_load is not None:
        return record.bulk_load == names.LARGE
    return source is not None and source.size_bytes >= threshold
