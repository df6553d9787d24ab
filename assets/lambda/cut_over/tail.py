"""The tail: the stream has become quiet, and everything in it was applied."""

from __future__ import annotations

from collections.abc import Sequence

from cut_over.doubt import Doubt
from cut_over.parts import Parts
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.state_call import Answer, Call, again

LOOK_SECONDS = 5
QUIET_SECONDS = 15
_BUDGET_SECONDS = 25.0


def settle(parts: Parts, call: Call, record: ControlRecord) -> Answer | None:
    """Read the tail until for 15 s nothing but expiry came and all of it was applied; the keys in it are compared."""
    found = parts.tail_of(record).read_on(_BUDGET_SECONDS)
    _compare(parts, record, found.keys)
    if not found.is_applied:
        return again(LOOK_SECONDS, waiting_for=f"{found.unapplied} keys at the end of the stream to be applied")
    if found.written:
        return again(LOOK_SECONDS, waiting_for=f"the last writes to the {parts.way.source} to pass")
    quiet = int(call.last.get("quiet_seconds", -LOOK_SECONDS)) + LOOK_SECONDS
    if quiet < QUIET_SECONDS:
        return again(LOOK_SECONDS, quiet_seconds=quiet, waiting_for="the stream to stay quiet")
    return None


def _compare(parts: Parts, record: ControlRecord, keys: Sequence[Item]) -> None:
    """Compare the keys that were read: they are not read again, and the index may not show them yet."""
    done = parts.changed_keys_of(record).check_keys(keys, parts.clock() + _BUDGET_SECONDS) if keys else 0
    if done < len(keys):
        raise Doubt(f"of the last {len(keys)} keys only {done} could be compared within {_BUDGET_SECONDS:.0f} s")


def is_read_again(parts: Parts, record: ControlRecord) -> bool:
    """Read the stream once more, and tell whether all of it could be read.

    Raises Doubt when the source was written to after all; what expires meanwhile is no write.
    """
    found = parts.tail_of(record).read_on(_BUDGET_SECONDS)
    if found.written:
        raise Doubt(f"the {parts.way.source} was written to behind the fence: {found.written} changes came")
    return found.in_time
