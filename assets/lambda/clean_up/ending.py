"""How an epoch is ended: in passes that can be repeated, by `abort` before the cut-over, and by stack deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from ddb_migration.aws.control_table import CUT_OVER_BEGAN, ControlTable
from ddb_migration.aws.destination_lock import DestinationLock
from ddb_migration.aws.errors import code
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.jobs import Jobs
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.probe import DENIED
from ddb_migration.aws.removal import Removal
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.core.control_record import ABORTING, CLOSED, OPEN, ControlRecord, MigrationStopped
from ddb_migration.core.fence import PolicyTooLarge, Statement, fence_left, holds_sid


@dataclass(frozen=True)
class Fence:
    """A fence in one table's policy, its statement, and the record that tells whether it is to stand."""

    control: ControlTable
    policy: TablePolicy
    statement: Statement
    table_arn: str

    def lift(self) -> str | None:
        """Lift it where it must not stay; return what is still waited for."""
        record = self.control.read()
        if not record.fence_must_go or self.policy.remove_fence(self.statement["Sid"]):
            return None
        return f"the {record.direction.source}'s fence to be lifted"

    def stand(self) -> str | None:
        """Put back what a deployment took away while nobody watched; return what is still waited for.

        Behind a migration that was completed the operator may have lifted it, and it stays as it is.
        """
        record = self.control.read()
        if not record.fence_stays or record.completed_at is not None or self._stands():
            return None
        return f"the {record.direction.source}'s fence to stand"

    def left(self) -> str | None:
        """Return what is said of a fence that stays, None of one that does not.

        One that cannot be looked at is said to stay: `fence_source_writes` may have been switched off since.
        """
        if not self.control.read().fence_stays:
            return None
        sid = self.statement["Sid"]
        left = fence_left(self.table_arn, sid)
        try:
            return left if holds_sid(self.policy.text(), sid) else None
        except ClientError as error:
            _require_denial(error)
            return f"{left}; whether it still does could not be seen: {error}"

    def _stands(self) -> bool:
        """Tell whether the fence stands, and say what keeps it from standing for good: no stack stays for it."""
        try:
            return self.policy.keep_fence(self.statement)
        except PolicyTooLarge as too_large:
            print(too_large)
            return True
        except ClientError as error:
            _require_denial(error)
            print(f"whether the fence of {self.table_arn} stands could not be seen: {error}")
            return True


@dataclass(frozen=True)
class Ending:
    """Everything that has to stop; `functions` are those with run-time mappings; `clock` gives epoch seconds.

    `fences` are those that the migration may have put: the source's, and where it can be rolled back the destination's.
    """

    control: ControlTable
    mappings: Mappings
    jobs: Jobs
    executions: Executions
    lock: DestinationLock
    functions: tuple[str, ...]
    fences: tuple[Fence, ...]
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
            self._lift()
            or self._stop_jobs()
            or removal.step(record, is_ending=record.status == ABORTING)
            # Once more: what was under way when the execution was stopped may have put the fence after the first.
            or self._lift()
            or _first(fence.stand() for fence in self.fences)
        )
        if waiting:
            return waiting
        self.lock.release()
        if record.status == ABORTING:
            self.control.close(str(record.epoch))
        return None

    def _require_may_end(self, record: ControlRecord) -> None:
        """Raise MigrationStopped from the cut-over on, unless the stack itself is going."""
        if record.status == OPEN and record.cut_over_started is not None and not record.tombstone:
            raise MigrationStopped(CUT_OVER_BEGAN)

    def _lift(self) -> str | None:
        """Lift the fence of a switch that did not come to its end, or was undone; behind one that did it stays."""
        return _first([fence.lift() for fence in self.fences])

    def _begin_abort(self, record: ControlRecord) -> ControlRecord:
        try:
            return self.control.begin_abort(str(record.epoch), even_after_cut_over=record.tombstone)
        except MigrationStopped:
            # Another pass was faster, and has closed the epoch.
            now = self.control.read()
            if now.epoch != record.epoch or now.status != CLOSED:
                raise
            return now

    def _stop_execution(self, record: ControlRecord) -> None:
        if record.execution:
            self.executions.stop(record.execution, "the migration was given up")

    def _stop_jobs(self) -> str | None:
        runs = self.jobs.live_runs()
        if runs:
            self.jobs.stop()
        return f"{len(runs)} Glue runs to stop" if runs else None


def _first(waiting: Iterable[str | None]) -> str | None:
    return next((what for what in waiting if what), None)


def _require_denial(error: ClientError) -> None:
    if code(error) not in DENIED:
        raise error
