"""Drain: apply until lag stays low."""

from __future__ import annotations

from ddb_migration import names
from ddb_migration.aws.mappings import ENABLED, problem
from ddb_migration.aws.progress import APPLY, CAPTURE, Progress
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.lag import QUIET_SECONDS, Readings, is_low, lag_seconds
from enable_trigger.parts import Answer, Call, Parts, again, done, poll
from enable_trigger.start_capture import require_same_stream

LOOK_SECONDS = 60


def run(parts: Parts, call: Call) -> Answer:
    """Wait until lag has stayed under 30 s for five minutes."""
    record = parts.control.enter(call.execution, names.DRAIN_STATE)
    require_same_stream(parts, record)
    lag = lag_seconds(_readings(parts, record), parts.clock())
    if not is_low(lag):
        known = "unknown" if lag is None else f"{lag:.0f} s"
        return poll(call, f"lag to fall under 30 s; it is {known}", lag_seconds=lag)
    # The wait asked for by the last look was spent in quiet only if that look found low lag too.
    quiet = int(call.last.get("quiet_seconds", -LOOK_SECONDS)) + LOOK_SECONDS
    if quiet < QUIET_SECONDS:
        return again(LOOK_SECONDS, quiet_seconds=quiet, lag_seconds=lag)
    parts.control.set_once(call.execution, drained_at=parts.clock())
    return done(epoch=record.epoch, lag_seconds=lag, parked=parts.control.parked(str(record.epoch)))


def _readings(parts: Parts, record: ControlRecord) -> Readings:
    progress = Progress(parts.control.rows, str(record.epoch))
    return Readings(
        queued=parts.queue.depth(),
        captures=progress.reports(CAPTURE),
        applies=progress.reports(APPLY),
        capture_works=_works(parts, parts.stream_processor, str(record.stream_arn)),
        apply_works=_works(parts, parts.write_cdc, parts.change_queue_arn),
    )


def _works(parts: Parts, function: str, source_arn: str) -> bool:
    found = parts.mappings.of(function, source_arn)
    return bool(found) and found[0]["State"] == ENABLED and problem(found[0]) is None
