"""The permission of a bulk task to go on writing, and at what rate to read."""

from __future__ import annotations

import time
from collections.abc import Callable

from ddb_migration.aws.control_table import ControlTable
from ddb_migration.core.control_record import ControlRecord

FRESH_SECONDS = 2.0


class BulkPermit:
    """The control record as a bulk task sees it, never older than two seconds when a write depends on it."""

    def __init__(self, control: ControlTable, epoch: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._control = control
        self._epoch = epoch
        self._clock = clock
        self._read_at = float("-inf")
        self._record = ControlRecord()

    def require(self) -> ControlRecord:
        """Return the record; raises MigrationStopped once the barrier is reached or the epoch has ended."""
        now = self._clock()
        if now - self._read_at >= FRESH_SECONDS:
            self._record = self._control.read()
            self._read_at = now
        self._record.require_bulk_load(self._epoch)
        return self._record
