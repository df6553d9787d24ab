"""The look at AWS that SetupCheck's pure checks work on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ddb_migration import names
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.destination_lock import DestinationLock
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.mappings import ENABLED, Mappings
from ddb_migration.aws.progress import CAPTURE, Progress
from ddb_migration.aws.tables import Tables
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table


@dataclass(frozen=True)
class Look:
    """Reads everything that `core.setup.check` asks; writes nothing."""

    environment: Environment
    tables: Tables
    control: ControlTable
    mappings: Mappings
    executions: Executions
    lock: DestinationLock
    clock: Callable[[], float]

    def at(self, execution: str) -> Setup:
        """Look at the set-up on behalf of an execution (its ARN)."""
        record = self.control.read()
        source = self.tables.describe(self.environment[names.SOURCE_TABLE])
        destination = self.tables.describe(self.environment[names.DESTINATION_TABLE])
        threshold = self.environment.settings.size_threshold_bytes
        holder = self.lock.other()
        return Setup(
            source_arn=self.environment[names.SOURCE_TABLE],
            destination_arn=self.environment[names.DESTINATION_TABLE],
            source=source,
            destination=destination,
            source_recovery=source is not None and self.tables.has_recovery(source.arn),
            destination_empty=self._is_empty(destination, record),
            is_large=source is not None and source.size_bytes >= threshold,
            record=record,
            captured_until=self._captured_until(record),
            other_readers=self._other_readers(source),
            running_execution=self._running(record, execution),
            destination_holder=holder.name if holder else None,
            now=self.clock(),
        )

    def _is_empty(self, destination: Table | None, record: ControlRecord) -> bool:
        if destination is None or record.is_open:
            return True
        return self.tables.is_empty(destination.arn)

    def _captured_until(self, record: ControlRecord) -> float | None:
        """Return when capture last worked, None where it works now or never began."""
        if not record.is_open or record.stream_arn is None:
            return None
        function = self.environment[names.STREAM_PROCESSOR]
        found = self.mappings.of(function, record.stream_arn)
        if found and found[0]["State"] == ENABLED:
            return None
        reports = Progress(self.control.rows, str(record.epoch)).reports(CAPTURE)
        return max([record.captured_from or 0.0, *(report.at for report in reports)])

    def _other_readers(self, source: Table | None) -> int:
        if source is None or source.stream_arn is None:
            return 0
        ours = self.environment[names.STREAM_PROCESSOR]
        return sum(found["FunctionArn"] != ours for found in self.mappings.of_source(source.stream_arn))

    def _running(self, record: ControlRecord, execution: str) -> str | None:
        holder = record.execution
        if not record.is_open or holder is None or holder == execution:
            return None
        return holder if self.executions.is_running(holder) else None
