"""Turning back: the fence is lifted, replication goes on, and the reason is kept."""

from __future__ import annotations

import json

from cut_over.parts import Parts
from ddb_migration.aws.control_table import BACK
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.cut_over_order import FENCED
from ddb_migration.core.state_call import Answer, Call, again, done

# The policy cannot be changed for 15 s after it was (DynamoDB guide, "Resource-based policy considerations").
LOOK_SECONDS = 3
_MOST_CHARACTERS = 500


class FailedBehindSwitch(Exception):
    """A switch has gone through, and what comes after it fails: the execution ends, and the alarm tells of it."""


def run(parts: Parts, call: Call) -> Answer:
    """Turn back after CutOver or RollBack has failed; answer whether it did, for a group may have gone through.

    Raises FailedBehindSwitch where there is nothing to turn back any more: going on would only fail again, without
    an end and without anybody being told.
    """
    record = parts.control.enter(call.execution, parts.way.lifting_state)
    if record.is_cut_over:
        raise FailedBehindSwitch(
            f"the {parts.way.act} has gone through, and nothing of it is taken back; then {parts.way.acting_state} "
            f"failed: {_cause(call)}. Mend the cause and start the migration again: it goes on from there"
        )
    if record.cut_over_started is None:
        return done(turned_back=True)
    if record.cut_over_step != BACK:
        reason = f"{parts.way.acting_state} failed: {_cause(call)}"
        record = parts.control.turn_back(call.execution, record.cut_over_started, reason, parts.clock())
    return turn_back(parts, call, record) if record.cut_over_step == BACK else done(turned_back=False)


def turn_back(parts: Parts, call: Call, record: ControlRecord) -> Answer:
    """Undo what a cut-over or a roll back has done so far; may be repeated until it is done."""
    # Only the operator ends a pause.
    applies = record.paused or parts.mappings.enable(parts.write_cdc, parts.change_queue_arn)
    if record.cut_over_form == FENCED and not lift(parts, record):
        return again(LOOK_SECONDS, waiting_for="the fence to be lifted", back=True)
    if not call.last.get("lifted"):
        parts.announcements.phase(record.epoch, parts.way.fence_lifted_phase, reason=record.cut_over_refused)
    if not applies:
        # Forgotten before that, a mapping that is still Disabling would end Disabled, and nobody would enable it.
        waiting_for = "the mapping to WriteCdc to be Enabled"
        return again(LOOK_SECONDS, waiting_for=waiting_for, back=True, lifted=True)
    parts.control.forget_cut_over(call.execution, record.cut_over_started)
    return done(cut_over=False, turned_back=True, reason=record.cut_over_refused)


def lift(parts: Parts, record: ControlRecord) -> bool:
    """Lift the fence of a switch, or a stray one where none is under way; never that of a later one."""
    return parts.policy.remove_fence(parts.fence["Sid"], lambda: parts.control.require_switch(record.cut_over_started))


def _cause(call: Call) -> str:
    """Return what Step Functions tells of the failure: its cause is the function's own JSON, where there is one."""
    failed = call.given.get("failed") or {}
    try:
        said = json.loads(failed.get("Cause", ""))["errorMessage"]
    except (ValueError, KeyError, TypeError):
        said = failed.get("Cause", "no cause was given")
    return f"{failed.get('Error', 'an error')}: {said}"[:_MOST_CHARACTERS]
