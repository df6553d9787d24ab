"""ReadyToCutOver, and RollbackWindow: waits for the operator, and meanwhile keeps what is left to check small.

The state machine gives each entry a task token and a time-out; when that is up it enters again. So one state both
waits and looks: each entry compares the changed keys once and reads the tail of the stream on.
"""

from __future__ import annotations

from cut_over.lift_fence import lift
from cut_over.parts import Parts
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.state_call import Answer, Call

# The function has 60 s; what is not done within these goes on at the next entry.
TAIL_SECONDS = 20.0
KEYS_SECONDS = 20.0


def run(parts: Parts, call: Call, token: str) -> Answer:
    """Keep the token for the operator, check once what has changed, and answer what would refuse the switch now."""
    record = parts.control.enter(call.execution, parts.way.waiting_state)
    if record.ready_at is None:
        parts.announcements.phase(record.epoch, parts.way.waiting_state)
    parts.control.set_once(call.execution, ready_at=parts.clock())
    _lift_stray_fence(parts, record)
    record = parts.control.set(call.execution, task_token=token)
    tail = parts.tail_of(record).read_on(TAIL_SECONDS)
    keys = parts.changed_keys_of(record).check(parts.clock() + KEYS_SECONDS)
    # A gap while the operator is waited for closes the gate, whatever has been captured since.
    reasons = list(parts.gate.closed_because(parts.gaps_noted(record)))
    parts.tell_parked()
    if parts.reverse is not None:
        parts.reverse.gaps_noted(parts.reverse.control.read())
    return {"tail_seconds": tail.seconds, "unapplied": tail.unapplied, "changed_keys": keys.keys, "closed": reasons}


def _lift_stray_fence(parts: Parts, record: ControlRecord) -> None:
    """Lift what a call that was held up has put after its cut-over was given up; here nobody is under way.

    Before the token is kept, so that a new cut-over can have begun only where this call is held up itself.
    """
    if parts.fences and record.cut_over_started is None:
        lift(parts, record)
