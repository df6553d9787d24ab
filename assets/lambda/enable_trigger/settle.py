"""Settle: capture must have been Enabled for a while before the bulk load may read."""

from __future__ import annotations

from ddb_migration import names
from ddb_migration.aws.mappings import ENABLED, problem, told_discarding
from ddb_migration.core.control_record import ControlRecord
from enable_trigger.parts import Answer, Call, Parts, again, done, poll

# Lambda's guide: creating a mapping "may take several minutes"; AWS's own pipeline overlaps by five.
SETTLE_SECONDS = 300
# One call that failed says nothing: Lambda makes it again. What fails for so many looks does not pass by itself.
LOOK_SECONDS = 30
FAILING_LOOKS = 10


class CaptureFailing(Exception):
    """The stream mapping reports a problem."""


def run(parts: Parts, call: Call) -> Answer:
    """Wait until capture has settled."""
    record = parts.control.enter(call.execution, names.SETTLE_STATE)
    return done() if record.is_settled else settled(parts, call, record)


def settled(parts: Parts, call: Call, record: ControlRecord) -> Answer:
    """Wait until the stream mapping is Enabled, hold for five minutes, and see that it reports no problem."""
    found = parts.mappings.of(parts.stream_processor, record.stream_arn)
    if not found or found[0]["State"] != ENABLED:
        return poll(call, "the stream mapping to be Enabled")
    if not call.last.get("held"):
        return again(SETTLE_SECONDS, held=True)
    if trouble := problem(found[0]) or told_discarding(found[0]):
        return _look_again(call, f"capture of the {record.direction.source} does not work: {trouble}")
    parts.control.set(call.execution, settled_at=parts.clock())
    return done()


def _look_again(call: Call, trouble: str) -> Answer:
    looks = int(call.last.get("failing_looks", 0)) + 1
    if looks > FAILING_LOOKS:
        raise CaptureFailing(trouble)
    return again(LOOK_SECONDS, held=True, failing_looks=looks, waiting_for=f"capture to work; {trouble}")
