"""What can be done before the fence is done before it, so that writes are denied for as short as can be."""

from __future__ import annotations

from cut_over.doubt import Doubt
from cut_over.fence import canary_is_denied
from cut_over.group import require_wanted
from cut_over.parts import Parts
from ddb_migration.aws.control_table import FENCE, FLIP, PREPARED
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.cut_over_order import FENCED, CutOverOrder, NotAnOrder
from ddb_migration.core.direction import REVERSE
from ddb_migration.core.lag import LOW_SECONDS, is_low, lag_seconds
from ddb_migration.core.state_call import Answer, Call, again

# A pass as short as this lets the last one, behind the fence, be as short.
QUICK_SECONDS = 5.0
LONGEST_SECONDS = 1800.0
LOOK_SECONDS = 5
_BUDGET_SECONDS = 20.0


def begin(parts: Parts, call: Call) -> ControlRecord:
    """Record the order that came with the task token; raises NotAnOrder when it is none, or cannot be carried out."""
    order = CutOverOrder.of(call.given)
    if order.form == FENCED and not parts.fences:
        raise NotAnOrder(
            "the migration may not fence its source: set fence_source_writes=True and deploy, or stop the writers "
            "yourself and say so: ddb-migration cut-over --writers-stopped"
        )
    if order.form != FENCED and (parts.way is REVERSE or parts.reverse is not None):
        raise NotAnOrder(
            "without a fence writes to the table that is left would be lost to the other, so there would be no way "
            "back: let the migration fence it, or deploy without rollback_window"
        )
    record = parts.control.begin_cut_over(call.execution, order, parts.clock())
    if record.cut_over_started is None:
        raise NotAnOrder("the migration is being completed")
    return record


def prepare(parts: Parts, call: Call, record: ControlRecord) -> Answer | None:
    """See that the gate is open, and that little is left to check; then wait for the others of the group."""
    if record.prepared_at is not None:
        return None
    require_wanted(record)
    reasons = parts.gate.closed_because(parts.gaps_noted(record))
    if reasons:
        raise Doubt("the gate is closed: " + "; ".join(reasons))
    waiting = None if record.cut_over_step == PREPARED else _left(parts, record)
    if waiting is None and record.cut_over_group is not None and record.cut_over_go not in (FENCE, FLIP):
        parts.control.reach(call.execution, record.cut_over_started, PREPARED)
        waiting = "the others of the group to be prepared"
    if waiting is None:
        parts.control.note_step(call.execution, record.cut_over_started, prepared_at=parts.clock())
        return None
    if parts.clock() - float(record.cut_over_started or 0) > LONGEST_SECONDS:
        raise Doubt(f"after {LONGEST_SECONDS / 60:.0f} minutes the {parts.way.act} still waited for {waiting}")
    return again(LOOK_SECONDS, waiting_for=waiting)


def _left(parts: Parts, record: ControlRecord) -> str | None:
    """Return what is still too much to be checked behind the fence."""
    if record.cut_over_form == FENCED and canary_is_denied(parts):
        table = parts.way.source
        raise Doubt(
            f"the canary's role is denied writes to the {table} before there is a fence, so it could not show when the "
            f"fence is seen: let it through, by the {table}'s policy and by the key that encrypts the {table}"
        )
    if parts.reverse is not None and not _is_in_step(parts.reverse):
        return "capture of the destination to have read what the migration wrote there"
    tail = parts.tail_of(record).read_on(_BUDGET_SECONDS)
    if not tail.in_time or tail.seconds > QUICK_SECONDS:
        return f"the tail of the stream, which took {tail.seconds:.0f} s to read"
    if tail.unapplied_since is not None and parts.clock() - tail.unapplied_since > LOW_SECONDS:
        return f"{tail.unapplied} keys whose newest change has not been applied for {LOW_SECONDS:.0f} s"
    keys = parts.changed_keys_of(record)
    keys.check_keys(tail.keys, parts.clock() + _BUDGET_SECONDS)
    if not keys.check(parts.clock() + _BUDGET_SECONDS).is_quick:
        return f"the changed keys to be compared within {QUICK_SECONDS:.0f} s"
    return None


def _is_in_step(reverse: Parts) -> bool:
    """Tell whether the reverse path has read up to now, so that little of the migration's own is carried back."""
    record = reverse.control.read()
    return is_low(lag_seconds(reverse.change_path.look(record), reverse.clock()))
