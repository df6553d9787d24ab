"""The fence: put into the policy of the table that is left, and seen by a role that it is meant for."""

from __future__ import annotations

from cut_over.doubt import Doubt
from cut_over.parts import Parts
from ddb_migration.aws.canary import CanaryLost
from ddb_migration.aws.table_policy import TableGone
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.cut_over_order import FENCED
from ddb_migration.core.fence import PolicyTooLarge
from ddb_migration.core.state_call import Answer, Call, again

# A policy reaches DynamoDB's hosts one after another (DynamoDB API, PutResourcePolicy: eventually consistent). So it
# counts as seen once every try of half a minute in a row was denied.
LOOK_SECONDS = 3
DENIALS = 11


def place(parts: Parts, call: Call, record: ControlRecord) -> Answer | None:
    """Put the fence into the policy, and look at each call whether it is still there."""
    if record.cut_over_form != FENCED:
        return None
    try:
        is_there = parts.policy.put_fence(parts.fence)
    except PolicyTooLarge as too_large:
        raise Doubt(str(too_large)) from too_large
    except TableGone as gone:
        # Behind a cut-over that is a fence; before it, it is the loss of what was not copied.
        raise Doubt(str(gone)) from gone
    if is_there:
        return None
    if record.fenced_at is not None:
        raise Doubt(
            f"the fence was taken out of the {parts.way.source}'s policy by somebody else, so writes may have passed it"
        )
    return again(LOOK_SECONDS, waiting_for=f"the fence to stand in the {parts.way.source}'s policy")


def be_denied(parts: Parts, call: Call, record: ControlRecord) -> Answer | None:
    """Try a write again and again until it has been denied for half a minute."""
    if record.cut_over_form != FENCED or record.fenced_at is not None:
        return None
    denials = int(call.last.get("denials", 0)) + 1 if canary_is_denied(parts) else 0
    if denials < DENIALS:
        return again(LOOK_SECONDS, denials=denials, waiting_for="every write to be denied")
    parts.control.note_step(call.execution, record.cut_over_started, fenced_at=parts.clock())
    parts.announcements.phase(record.epoch, parts.way.fenced_phase)
    return None


def canary_is_denied(parts: Parts) -> bool:
    """Tell whether the canary's write is denied; one that fails otherwise is told, and is not."""
    source = parts.tables.describe(parts.source_arn)
    if source is None:
        raise Doubt(f"the {parts.way.source} table is gone")
    try:
        return parts.canary.is_denied(source.keys)
    except CanaryLost as lost:
        print(lost)
        return False
