"""The gate of a bulk task: whether it may go on, and how fast, by a control record never older than two seconds."""

from __future__ import annotations

from collections.abc import Callable

from ddb_migration.aws.bulk_failures import will_pass
from ddb_migration.aws.bulk_port import Port
from ddb_migration.core.allowance import Allowance
from ddb_migration.core.bulk_plan import GENTLE_READS
from ddb_migration.core.control_record import ControlRecord, MigrationStopped

FRESH_SECONDS = 2.0
LOOK_SECONDS = 1.0


class Gate:
    """The permit of one task (no write without it), and its share of the job's read and write rates.

    `look` reads the control record and blocks; `tasks` is how many tasks share the rates. `permit` raises
    MigrationStopped when the record forbids the work of this epoch.
    """

    def __init__(
        self,
        port: Port,
        look: Callable[[], ControlRecord],
        epoch: str,
        tasks: int,
        permit: Callable[[ControlRecord, str], None] = ControlRecord.require_bulk_load,
    ) -> None:
        self.reads, self.writes = Allowance(), Allowance()
        self._permit = permit
        self._port, self._look, self._epoch, self._tasks = port, look, epoch, max(1, tasks)
        self._seen_at = float("-inf")
        self._is_paused = self._is_shut = False
        self._changed: Callable[[], None] = lambda: None
        self._stop: Callable[[Exception], None] = lambda error: None

    def begin(self, changed: Callable[[], None], stop: Callable[[Exception], None]) -> None:
        """Look now and every second; call `changed` after each look, `stop` once the work is forbidden."""
        self._changed, self._stop = changed, stop
        self._look_again()

    def shut(self) -> None:
        """Look no more."""
        self._is_shut = True

    def read_wait(self, now: float) -> float:
        """Return the seconds until the next read may begin."""
        return self.hold(now) or self.reads.wait(now)

    def write_wait(self, now: float) -> float:
        """Return the seconds until the next write may be sent; to be asked before each one."""
        return self.hold(now) or self.writes.wait(now)

    def hold(self, now: float) -> float:
        """Return the seconds to wait while the migration pauses, or while the record was not seen lately."""
        return LOOK_SECONDS if self._is_paused or now - self._seen_at >= FRESH_SECONDS else 0.0

    def _look_again(self) -> None:
        if not self._is_shut:
            # The record is as old as the question, not as the answer.
            asked_at = self._port.clock()
            self._port.aside(self._look, lambda record: self._looked(asked_at, record))

    def _looked(self, asked_at: float, record: ControlRecord | Exception) -> None:
        if self._is_shut:
            return
        if not isinstance(record, Exception):
            self._obey(asked_at, record)
        elif not will_pass(record):
            self._stop(record)
        self._port.later(LOOK_SECONDS, self._look_again)
        self._changed()

    def _obey(self, asked_at: float, record: ControlRecord) -> None:
        try:
            self._permit(record, self._epoch)
        except MigrationStopped as stopped:
            self._seen_at = float("-inf")
            self._stop(stopped)
            return
        self._seen_at = asked_at
        self._is_paused = record.paused
        self.reads.rate = float(record.max_read_units_per_second or GENTLE_READS) / self._tasks
        writes = record.max_write_units_per_second
        self.writes.rate = None if writes is None else float(writes) / self._tasks
