"""Complete: watches over a migration that has cut over, until the operator completes it."""

from __future__ import annotations

from cut_over import completing
from cut_over.parts import Parts
from ddb_migration import names
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from ddb_migration.core.cut_over_order import FENCED
from ddb_migration.core.state_call import Answer, Call, again, done, poll

_LOOK_SECONDS = 5


def run(parts: Parts, call: Call) -> Answer:
    """See that the fence still stands and whether the table behind it changed; when asked to, complete."""
    try:
        return _watch_or_complete(parts, call)
    except MigrationStopped:
        # The operator's command completes too, and may be ahead by a moment.
        record = parts.control.read()
        if record.completed_at is not None and record.execution == call.execution:
            return done(completed=True)
        raise


def _watch_or_complete(parts: Parts, call: Call) -> Answer:
    record = parts.control.enter(call.execution, names.COMPLETE_STATE)
    if record.completing is not None:
        waiting = completing.step(parts, record)
        return done(completed=True) if waiting is None else again(_LOOK_SECONDS, waiting_for=waiting)
    for one in parts.paths:
        one.tell_parked()
    path = parts.last_switched(record)
    record = path.control.read()
    fence_missed = watch_fence(path, record)
    late = path.late_changes(record).found()
    if late.keys > int(call.last.get("late_keys", 0)):
        parts.announcements.phase(record.epoch, path.way.late_changes_phase, keys=late.keys)
    waiting_for = "the operator to complete the migration (ddb-migration complete)"
    return poll(call, waiting_for, late_keys=late.keys, fence_missed=fence_missed + call.last.get("fence_missed", 0))


def watch_fence(parts: Parts, record: ControlRecord) -> int:
    """Put the fence back where a deployment has taken it away, and say so; return how often that was so."""
    if record.cut_over_form != FENCED or parts.policy.keep_fence(parts.fence):
        return 0
    parts.announcements.phase(record.epoch, parts.way.fence_restored_phase)
    return 1
