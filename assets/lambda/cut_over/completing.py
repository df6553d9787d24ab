"""Completing: what was made at run time goes, and the epoch is closed."""

from __future__ import annotations

from collections.abc import Iterator

from cut_over.parts import Parts
from ddb_migration import names
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.cut_over_order import FENCED
from ddb_migration.core.fence import LIFT

# So long the source must not have changed; an hour is what a forgotten job of every hour needs to show itself.
UNCHANGED_SECONDS = 3600.0


def refusals(parts: Parts, record: ControlRecord) -> Iterator[str]:
    """Yield why the migration cannot be completed now."""
    if not record.is_cut_over:
        yield "the migration has not cut over; ddb-migration cut-over does, ddb-migration abort gives it up"
        return
    parked = parts.control.parked(str(record.epoch))
    if parked:
        yield f"{parked} keys are parked; have them read again (reread --parked) or accept them one by one (accept)"
    yield from _changes(parts, record)


def _changes(parts: Parts, record: ControlRecord) -> Iterator[str]:
    found, now = parts.late_changes(record).found(), parts.clock()
    if found.last_at is not None and now - found.last_at < UNCHANGED_SECONDS:
        yield (
            f"the source changed {now - found.last_at:.0f} s ago, after the cut-over ({found.keys} keys in all): find "
            "who still writes to it; an hour without a change is asked for"
        )
    elif record.cut_over_form != FENCED and now - float(record.cut_over_at or 0) < UNCHANGED_SECONDS:
        yield "without a fence the source is watched for an hour after the cut-over; that has not passed yet"


def step(parts: Parts, record: ControlRecord) -> str | None:
    """Do what can be done now; return what is still waited for, None when the migration is completed."""
    waiting = parts.removal.step(record, is_ending=True)
    if waiting:
        return waiting
    if record.completing == LIFT and not parts.policy.remove_fence(parts.fence["Sid"]):
        return "the fence to be lifted"
    parts.lock.release()
    parts.announcements.phase(record.epoch, names.COMPLETED_PHASE, fence=record.completing)
    parts.control.note_complete(parts.clock())
    return None
