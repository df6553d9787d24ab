"""The end of apply: after it nothing writes to the destination but the application."""

from __future__ import annotations

from cut_over import tail
from cut_over.parts import Parts
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.cut_over_order import FENCED
from ddb_migration.core.state_call import Answer, Call, again

LOOK_SECONDS = 3
# One time-out of WriteCdc: what it had in hand when its mapping was disabled has ended.
HOLD_SECONDS = 30


def stop(parts: Parts, call: Call, record: ControlRecord) -> Answer | None:
    """Disable the mapping to WriteCdc, wait for what it had in hand, and look at the stream once more.

    After an unfenced cut-over apply goes on: late writes to the source are copied until the operator ends it.
    """
    if record.cut_over_form != FENCED:
        return None
    if not parts.mappings.disable(parts.write_cdc, parts.change_queue_arn):
        return again(LOOK_SECONDS, waiting_for="the mapping to WriteCdc to be Disabled")
    if not call.last.get("held"):
        parts.control.note_step(call.execution, record.cut_over_started, apply_stopped_at=parts.clock())
        return again(HOLD_SECONDS, held=True, waiting_for="WriteCdc to end what it has in hand")
    if parts.queue.in_flight():
        # What WriteCdc did not answer may have a write under way, which must not land on the application's.
        return again(LOOK_SECONDS, held=True, waiting_for="messages that WriteCdc has not answered to come back")
    if not tail.is_read_again(parts, record):
        return again(LOOK_SECONDS, held=True, waiting_for="the whole stream to be read once more")
    return None
