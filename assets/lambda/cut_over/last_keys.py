"""The last changed keys: one round of comparison that began after the last write."""

from __future__ import annotations

from cut_over.parts import Parts
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.state_call import Answer, Call, again

LOOK_SECONDS = 1
_BUDGET_SECONDS = 20.0


def compare(parts: Parts, call: Call, record: ControlRecord) -> Answer | None:
    """Compare until a round that began behind the quiet has ended, and all of its keys are equal."""
    keys = parts.changed_keys_of(record)
    quiet_at = call.last.get("quiet_at", parts.clock())
    if not keys.index_holds(parts.tail_of(record).newest()):
        return again(LOOK_SECONDS, quiet_at=quiet_at, waiting_for="the index of changed keys to show the last ones")
    found = keys.check(parts.clock() + _BUDGET_SECONDS)
    if found.began < quiet_at or not found.is_done:
        return again(LOOK_SECONDS, quiet_at=quiet_at, waiting_for="the last changed keys to be compared")
    if not found.is_settled:
        return again(LOOK_SECONDS, quiet_at=quiet_at, waiting_for=f"{len(found.suspects)} changed keys to be equal")
    # What came since the first look at the gate may have been parked, or be dead: its watermark is raised all the same.
    reasons = parts.gate.closed_because(record)
    if reasons:
        return again(LOOK_SECONDS, quiet_at=quiet_at, waiting_for=f"the gate to be open: {'; '.join(reasons)}")
    return None
