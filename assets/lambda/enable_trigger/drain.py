"""Drain: apply until lag stays low."""

from __future__ import annotations

from ddb_migration import names
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.lag import QUIET_SECONDS, is_low, lag_seconds
from ddb_migration.core.moments import utc
from ddb_migration.core.outage import is_outage
from enable_trigger.parts import Answer, Call, Parts, again, done, paused, poll
from enable_trigger.start_capture import require_same_stream

LOOK_SECONDS = 60


def run(parts: Parts, call: Call) -> Answer:
    """Wait until lag has stayed under 30 s for five minutes; an epoch that is incomplete drains like any other."""
    record = parts.control.enter(call.execution, names.DRAIN_STATE)
    require_same_stream(parts, record)
    readings, now = parts.change_path.look(record), parts.clock()
    if waits := paused(call, record):
        return waits
    lag, incomplete = lag_seconds(readings, now), parts.control.read().incomplete
    parked = parts.control.parked(str(record.epoch))
    parts.metrics.put({names.METRIC_PARKED: parked, **({} if lag is None else {names.METRIC_REPLICATION_LAG: lag})})
    if not is_low(lag):
        return poll(call, readings.discarding or _waiting_for(record, lag, now), lag_seconds=lag, incomplete=incomplete)
    # The wait asked for by the last look was spent in quiet only if that look found low lag too.
    quiet = int(call.last.get("quiet_seconds", -LOOK_SECONDS)) + LOOK_SECONDS
    if quiet < QUIET_SECONDS:
        return again(LOOK_SECONDS, quiet_seconds=quiet, lag_seconds=lag, incomplete=incomplete)
    parts.control.set_once(call.execution, drained_at=parts.clock())
    return done(epoch=record.epoch, lag_seconds=lag, parked=parked, incomplete=incomplete)


def _waiting_for(record: ControlRecord, lag: float | None, now: float) -> str:
    if is_outage(record.apply_failing_since, now):
        since = utc(record.apply_failing_since)
        return f"the destination to take writes; since {since} it has taken none ({record.apply_failure})"
    known = "unknown" if lag is None else f"{lag:.0f} s"
    return f"lag to fall under 30 s; it is {known}"
