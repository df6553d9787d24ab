"""Completing: what was made at run time goes, and the epoch is closed."""

from __future__ import annotations

from collections.abc import Iterator

from cut_over.parts import Parts
from ddb_migration import names
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.cut_over_order import FENCED
from ddb_migration.core.moments import utc

# So long the source must not have changed; an hour is what a forgotten job of every hour needs to show itself.
UNCHANGED_SECONDS = 3600.0


def refusals(parts: Parts, record: ControlRecord) -> Iterator[str]:
    """Yield why the migration cannot be completed now."""
    if not record.is_cut_over:
        yield "the migration has not cut over; ddb-migration cut-over does, ddb-migration abort gives it up"
        return
    until, back = parts.rollback_until(record), parts.reverse.control.read() if parts.reverse is not None else None
    if until is not None and not record.is_rolled_back and parts.clock() < until:
        yield (
            f"it can be rolled back until {utc(until)}, and its window is open; to end it sooner, deploy a shorter "
            "rollback_window"
        )
    if back is not None and back.cut_over_started is not None and not back.is_cut_over:
        yield "it is being rolled back; ddb-migration status shows how far it is"
    path = parts.last_switched(record)
    yield from _of_path(path, path.control.read())


def _of_path(parts: Parts, record: ControlRecord) -> Iterator[str]:
    parked = parts.control.parked(str(record.epoch))
    if parked:
        yield f"{parked} keys are parked; have them read again (reread --parked) or accept them one by one (accept)"
    yield from _changes(parts, record)


def _changes(parts: Parts, record: ControlRecord) -> Iterator[str]:
    found, now = parts.late_changes(record).found(), parts.clock()
    if found.last_at is not None and now - found.last_at < UNCHANGED_SECONDS:
        yield (
            f"the {parts.way.source} changed {now - found.last_at:.0f} s ago, after the {parts.way.act} "
            f"({found.keys} keys in all): find "
            "who still writes to it; an hour without a change is asked for"
        )
    elif record.cut_over_form != FENCED and now - float(record.cut_over_at or 0) < UNCHANGED_SECONDS:
        yield "without a fence the source is watched for an hour after the cut-over; that has not passed yet"


def step(parts: Parts, record: ControlRecord) -> str | None:
    """Do what can be done now; return what is still waited for, None when the migration is completed."""
    waiting = parts.removal.step(record, is_ending=True)
    if waiting:
        return waiting
    waiting = _fence_settled(parts.last_switched(record))
    if waiting:
        return waiting
    parts.lock.release()
    parts.announcements.phase(record.epoch, names.COMPLETED_PHASE, fence=record.completing)
    parts.control.note_complete(parts.clock())
    return None


def _fence_settled(path: Parts) -> str | None:
    """Lift the fence, or have it stand, as the operator's word is; return what is still waited for."""
    record = path.control.read()
    # Where nothing was fenced the role may not have the right to look.
    if record.cut_over_form != FENCED:
        return None
    if not record.fence_stays:
        return None if path.policy.remove_fence(path.fence["Sid"]) else "the fence to be lifted"
    # A deployment may have taken it away while no execution watched over it.
    return None if path.policy.keep_fence(path.fence) else "the fence to stand in the policy"
