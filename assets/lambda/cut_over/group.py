"""A group: several migrations go through together, or turn back together."""

from __future__ import annotations

from cut_over.doubt import Doubt
from cut_over.parts import Parts
from ddb_migration.aws.control_table import BACK, CHECKED, FLIP
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.state_call import Answer, Call, again

LOOK_SECONDS = 2


def require_wanted(record: ControlRecord) -> None:
    """Raise Doubt when the group was called off, because another of it turned back."""
    if record.cut_over_go == BACK:
        raise Doubt("another migration of the group turned back")


def join(parts: Parts, call: Call, record: ControlRecord) -> Answer | None:
    """Wait until all of the group are checked; whoever leads it says so to all of them in one transaction.

    Nobody goes on without that word, and once it is given nobody turns back: the control record decides, and where
    the one who leads has died before it, everybody's time-out passes.
    """
    if record.cut_over_group is None or record.cut_over_go == FLIP:
        return None
    require_wanted(record)
    if record.cut_over_step != CHECKED:
        parts.control.reach(call.execution, record.cut_over_started, CHECKED)
    return again(LOOK_SECONDS, waiting_for="the others of the group to be checked")
