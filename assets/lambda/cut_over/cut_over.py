"""CutOver: step by step from the operator's order to the moment from which on the destination is the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cut_over import fence, group, last_keys, lift_fence, stop_apply, tail
from cut_over.doubt import Doubt
from cut_over.parts import Parts
from cut_over.prepare import begin, prepare
from ddb_migration import names
from ddb_migration.aws.control_table import BACK, FLIP, GIVEN_UP
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from ddb_migration.core.cut_over_order import NotAnOrder
from ddb_migration.core.state_call import Answer, Call, done

Step = Callable[[Parts, Call, ControlRecord], Answer | None]

# Each step answers what it waits for, or None when it is done.
STEPS: Mapping[str, Step] = {
    "prepare": prepare,
    "place": fence.place,
    "be denied": fence.be_denied,
    "settle": tail.settle,
    "compare": last_keys.compare,
    "stop": stop_apply.stop,
    "join": group.join,
}
# These are not looked at again once they are done; the others tell by what they have recorded, or look each time.
_ONCE = ("settle", "compare", "stop")


def run(parts: Parts, call: Call) -> Answer:
    """Go on with the cut-over, or turn back on any doubt; answer whether the migration has cut over."""
    answer = switch(parts, call)
    record = parts.control.read()
    # An execution that goes on with a roll back passes here too: who is back at the source must not be sent away.
    if answer.get("cut_over") and not record.is_rolled_back:
        parts.announcements.phase(record.epoch, names.HAS_CUT_OVER_PHASE, form=record.cut_over_form)
    return answer


def switch(parts: Parts, call: Call) -> Answer:
    """Go on with the switch along a path; `cut_over` in the answer tells that it has gone through."""
    record = parts.control.enter(call.execution, parts.way.acting_state)
    if record.is_cut_over:
        return _through(record)
    if record.cut_over_started is None:
        try:
            record = begin(parts, call)
        except NotAnOrder as refused:
            parts.control.refuse_cut_over(call.execution, str(refused), parts.clock())
            return done(cut_over=False, reason=str(refused))
        parts.announcements.phase(record.epoch, parts.way.acting_state, form=record.cut_over_form)
    if record.cut_over_step == BACK:
        return lift_fence.turn_back(parts, call, record)
    try:
        return _go_on(parts, call, record)
    except Doubt as doubt:
        record = parts.control.turn_back(call.execution, record.cut_over_started, str(doubt), parts.clock())
        if record.cut_over_step != BACK:
            # The group went through in this very moment, and had checked everything before.
            return _flip(parts, call, record)
        return lift_fence.turn_back(parts, call, record)


def _go_on(parts: Parts, call: Call, record: ControlRecord) -> Answer:
    _require_time(parts, record, call)
    passed = list(call.last.get("passed", []))
    for name, step in STEPS.items():
        if name in passed:
            continue
        answer = step(parts, call, record)
        if answer is not None:
            return {**answer, "passed": passed}
        passed += [name] * (name in _ONCE)
        record = _same(record, parts.control.read())
    return _flip(parts, call, record)


def _same(record: ControlRecord, now: ControlRecord) -> ControlRecord:
    """Return the record as it is now; raises MigrationStopped when it tells of another cut-over by then."""
    if now.cut_over_started != record.cut_over_started:
        raise MigrationStopped(GIVEN_UP)
    return now


def _require_time(parts: Parts, record: ControlRecord, call: Call) -> None:
    if record.prepared_at is None or record.cut_over_go == FLIP:
        return
    passed = parts.clock() - record.prepared_at
    if passed > float(record.cut_over_timeout or 0):
        waited_for = call.last.get("waiting_for", "nothing that is known")
        raise Doubt(f"after {passed:.0f} s, with a time-out of {record.cut_over_timeout} s, it waited for {waited_for}")


def _flip(parts: Parts, call: Call, record: ControlRecord) -> Answer:
    record = parts.control.note_cut_over(call.execution, record.cut_over_started, parts.clock())
    if not record.is_cut_over:
        return lift_fence.turn_back(parts, call, record)
    return _through(record)


def _through(record: ControlRecord) -> Answer:
    return done(cut_over=True, epoch=record.epoch)
