"""The change path as its two event source mappings show it, by which a gap in capture or apply is noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.continuity import Continuity
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.mappings import Mappings, told_discarding, works
from ddb_migration.aws.progress import APPLY, CAPTURE, Progress
from ddb_migration.core.continuity import CAPTURE_LEG, apply_leg
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.lag import Readings, queue_backlog, stream_backlog


@dataclass(frozen=True)
class MappingLook:
    """Whether a mapping works, when it was changed last (epoch seconds), and whether it discards changes."""

    works: bool
    changed_at: float
    discarding: str | None = None


@dataclass(frozen=True)
class ChangePath:
    """Both legs of a migration; the queue keeps changes for `retention_seconds`, `clock` gives epoch seconds."""

    control: ControlTable
    mappings: Mappings
    queue: ChangeQueue
    stream_processor: str
    write_cdc: str
    change_queue_arn: str
    retention_seconds: float
    clock: Callable[[], float]

    def look(self, record: ControlRecord) -> Readings:
        """Look at both legs, and note in the control record whether changes may have expired on one of them."""
        progress = Progress(self.control.rows, str(record.epoch))
        capture = self._mapping(self.stream_processor, str(record.stream_arn))
        apply = self._mapping(self.write_cdc, self.change_queue_arn)
        readings = Readings(
            queued=self.queue.depth(),
            captures=progress.reports(CAPTURE),
            applies=progress.reports(APPLY),
            capture_works=capture.works,
            apply_works=apply.works,
            discarding=capture.discarding or apply.discarding,
        )
        now = self.clock()
        self._note_capture(record, capture, stream_backlog(readings.captures, now))
        backlog = queue_backlog(readings, now)
        leg = Continuity(self.control, apply_leg(self.retention_seconds), self.clock)
        leg.looked(record, apply.works, apply.changed_at, backlog)
        self._note_discarding(record, apply)
        return readings

    def look_at_capture(self, record: ControlRecord) -> None:
        """Look at capture alone, while apply has not begun."""
        captures = Progress(self.control.rows, str(record.epoch)).reports(CAPTURE)
        look = self._mapping(self.stream_processor, str(record.stream_arn))
        self._note_capture(record, look, stream_backlog(captures, self.clock()))

    def _mapping(self, function: str, source_arn: str) -> MappingLook:
        """Look at a function's mapping; one that is gone does not work."""
        found = self.mappings.of(function, source_arn)
        if not found:
            return MappingLook(False, self.clock())
        # Lambda API, EventSourceMappingConfiguration: when the mapping was updated, or its state changed.
        changed_at = found[0]["LastModified"].timestamp()
        return MappingLook(works(found[0]), changed_at, told_discarding(found[0]))

    def _note_capture(self, record: ControlRecord, look: MappingLook, backlog: float | None) -> None:
        leg = Continuity(self.control, CAPTURE_LEG, self.clock)
        leg.looked(record, look.works, look.changed_at, backlog)
        self._note_discarding(record, look)

    def _note_discarding(self, record: ControlRecord, look: MappingLook) -> None:
        """Note at each look that changes are discarded: only a verify that begins after the last one cures it."""
        if look.discarding is not None:
            print(look.discarding)
            self.control.note_incomplete(str(record.epoch), look.discarding, self.clock())
