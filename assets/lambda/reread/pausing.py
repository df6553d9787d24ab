"""Pause and resume: the apply mapping, and the word in the control record that bulk tasks and states obey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.mappings import DISABLED, ENABLED, Mappings
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from ddb_migration.core.moments import utc

Answer = dict[str, Any]


@dataclass(frozen=True)
class Pausing:
    """The mapping from the change queue to WriteCdc; `clock` gives epoch seconds."""

    control: ControlTable
    mappings: Mappings
    write_cdc: str
    change_queue_arn: str
    clock: Callable[[], float]

    def pause(self, by: str, goes_on: bool) -> Answer:
        """Stop bulk load and apply; done when Lambda says that the mapping is Disabled.

        With `goes_on` nothing is written: the call only looks how far an earlier one has come, and raises
        MigrationStopped when somebody has resumed the migration meanwhile.
        """
        # The record first: whoever enables the mapping after this sees it, and disables it again.
        record = self._going_on(is_paused=True) if goes_on else self.control.pause(by, self.clock())
        return self._switched(enabled=False, paused_since=record.paused_since, paused_by=record.paused_by)

    def resume(self, goes_on: bool) -> Answer:
        """Let bulk load and apply go on; done when Lambda says that the mapping is Enabled, if it had been."""
        record = self._going_on(is_paused=False) if goes_on else self.control.resume()
        if record.trigger_enabled_at is None:
            return {"done": True, "waiting_for": "", "mapping": None}
        answer = self._switched(enabled=True)
        if self.control.read().paused:
            # Somebody paused it at the same moment, perhaps before the mapping was enabled just now.
            self._switched(enabled=False)
        return answer

    def _going_on(self, is_paused: bool) -> ControlRecord:
        record = self.control.read()
        record.require_open()
        if record.paused and not is_paused:
            raise MigrationStopped(f"{record.paused_by} paused the migration at {utc(record.paused_since)}")
        if is_paused and not record.paused:
            raise MigrationStopped("somebody has resumed the migration meanwhile")
        return record

    def _switched(self, enabled: bool, **told: Any) -> Answer:
        wanted = ENABLED if enabled else DISABLED
        found = self.mappings.of(self.write_cdc, self.change_queue_arn)
        state = found[0]["State"] if found else None
        if state in (wanted, None):
            return {"done": True, "waiting_for": "", "mapping": state, **told}
        self.mappings.switch(found[0], enabled)
        return {"done": False, "waiting_for": f"the apply mapping to be {wanted}", "mapping": state, **told}
