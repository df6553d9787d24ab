"""How an epoch is ended before cut-over: in passes that can be repeated, by `abort` and by stack deletion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.destination_lock import DestinationLock
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.jobs import Jobs
from ddb_migration.aws.mappings import Mappings
from ddb_migration.core.control_record import ABORTING, CLOSED, ControlRecord, MigrationStopped

# The longest that EnableTrigger or WriteCdc may run on: what the one still creates is found by the last look, and
# the other writes nothing any more. What StreamProcessor still sends bears the old epoch.
LAST_INVOCATIONS_SECONDS = 60


@dataclass(frozen=True)
class Ending:
    """Everything that has to stop; `functions` are those with run-time mappings; `clock` gives epoch seconds."""

    control: ControlTable
    mappings: Mappings
    jobs: Jobs
    executions: Executions
    lock: DestinationLock
    functions: tuple[str, ...]
    clock: Callable[[], float]

    def step(self) -> str | None:
        """Do what can be done now; return what is still waited for, or None when the epoch has ended."""
        record = self.control.read()
        if record.status != CLOSED:
            # First, so that the execution ends as stopped and not by the refusal that its next state would meet.
            self._stop_execution(record)
            record = self._begin_abort()
        waiting = self._stop_jobs() or self._remove_mappings(record) or self._wait_for_invocations()
        if waiting:
            return waiting
        self.lock.release()
        if record.status == ABORTING:
            self.control.close()
        return None

    def _begin_abort(self) -> ControlRecord:
        try:
            return self.control.begin_abort()
        except MigrationStopped:
            # Another pass was faster, and has closed the epoch.
            record = self.control.read()
            if record.status != CLOSED:
                raise
            return record

    def _stop_execution(self, record: ControlRecord) -> None:
        if record.execution:
            self.executions.stop(record.execution, "the migration was given up")

    def _stop_jobs(self) -> str | None:
        runs = self.jobs.live_runs()
        if runs:
            self.jobs.stop()
        return f"{len(runs)} Glue runs to stop" if runs else None

    def _remove_mappings(self, record: ControlRecord) -> str | None:
        found = [mapping for function in self.functions for mapping in self.mappings.of(function)]
        for mapping in found:
            self.mappings.delete(mapping)
        if found or (record.status == ABORTING and record.mappings_removed_at is None):
            # Written while they still go, and again until none is left: the last write counts.
            self.control.note_mappings_removed(self.clock())
        return f"{len(found)} event source mappings to go" if found else None

    def _wait_for_invocations(self) -> str | None:
        removed = self.control.read().mappings_removed_at
        if removed is None:
            return None
        left = removed + LAST_INVOCATIONS_SECONDS - self.clock()
        return f"the functions' last invocations to end, {left:.0f} s" if left > 0 else None
