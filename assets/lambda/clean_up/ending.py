"""How an epoch is ended: in passes that can be repeated, by `abort` before the cut-over, and by stack deletion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ddb_migration.aws.control_table import CUT_OVER_BEGAN, ControlTable
from ddb_migration.aws.destination_lock import DestinationLock
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.jobs import Jobs
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.removal import Removal
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.core.control_record import ABORTING, CLOSED, OPEN, ControlRecord, MigrationStopped
from ddb_migration.core.cut_over_order import FENCED


@dataclass(frozen=True)
class Ending:
    """Everything that has to stop; `functions` are those with run-time mappings; `clock` gives epoch seconds.

    `policy` is that of the source, in which `sid` names the fence.
    """

    control: ControlTable
    mappings: Mappings
    jobs: Jobs
    executions: Executions
    lock: DestinationLock
    functions: tuple[str, ...]
    policy: TablePolicy
    sid: str
    clock: Callable[[], float]

    def step(self) -> str | None:
        """Do what can be done now; return what is still waited for, or None when the epoch has ended."""
        record = self.control.read()
        self._require_may_end(record)
        if record.status != CLOSED:
            # First, so that the execution ends as stopped and not by the refusal that its next state would meet.
            self._stop_execution(record)
            record = self._begin_abort(record)
        removal = Removal(self.control, self.mappings, self.functions, self.clock)
        waiting = (
            self._lift(record)
            or self._stop_jobs()
            or removal.step(record, is_ending=record.status == ABORTING)
            # Once more: what was under way when the execution was stopped may have put the fence after the first.
            or self._lift(record)
        )
        if waiting:
            return waiting
        self.lock.release()
        if record.status == ABORTING:
            self.control.close()
        return None

    def _require_may_end(self, record: ControlRecord) -> None:
        """Raise MigrationStopped from the cut-over on, unless the stack itself is going."""
        if record.status == OPEN and record.cut_over_started is not None and not record.tombstone:
            raise MigrationStopped(CUT_OVER_BEGAN)

    def _lift(self, record: ControlRecord) -> str | None:
        """Lift the fence of a cut-over that did not come to its end; behind one that did it stays."""
        if record.cut_over_form != FENCED or record.is_cut_over or record.cut_over_started is None:
            return None
        return None if self.policy.remove_fence(self.sid) else "the fence to be lifted"

    def _begin_abort(self, record: ControlRecord) -> ControlRecord:
        try:
            return self.control.begin_abort(even_after_cut_over=record.tombstone)
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
