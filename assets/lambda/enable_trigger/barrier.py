"""Barrier: after it no bulk write can happen, and apply may begin."""

from __future__ import annotations

from ddb_migration import names
from ddb_migration.aws.checkpoints import Checkpoints
from ddb_migration.core.bulk_plan import BulkPlan, plan_name
from ddb_migration.core.control_record import ControlRecord
from enable_trigger.parts import Answer, Call, Parts, again, done, poll
from enable_trigger.start_capture import require_same_stream

# A bulk task's permit is 2 s old at most and its calls end within 6 s; the rest is margin.
HOLD_SECONDS = 120


class BulkLoadIncomplete(Exception):
    """The bulk load ended without having done all of its plan."""


def run(parts: Parts, call: Call) -> Answer:
    """Forbid bulk writes, wait until no run of a job is alive, and hold for two minutes."""
    record = parts.control.enter(call.execution, names.BARRIER_STATE)
    require_same_stream(parts, record)
    if record.barrier_at is not None:
        return done()
    _require_complete(parts, record)
    # Nobody has looked while the bulk load ran, which may have taken days.
    parts.change_path.look_at_capture(record)
    now = parts.clock()
    parts.control.set_once(call.execution, bulk_loaded_at=now, apply_started=now)
    runs = parts.jobs.live_runs()
    if runs:
        return poll(call, f"{len(runs)} Glue runs to end")
    if not call.last.get("held"):
        return again(HOLD_SECONDS, held=True)
    parts.control.set_once(call.execution, barrier_at=parts.clock())
    return done()


def _require_complete(parts: Parts, record: ControlRecord) -> None:
    name = plan_name(BulkPlan.from_text(record.plan), record.export_arn) if record.plan else ""
    if not name or not Checkpoints(parts.control.rows, str(record.epoch), name).is_complete:
        raise BulkLoadIncomplete(
            "the bulk load has not done all of its plan; start the migration again, it goes on where it stopped"
        )
