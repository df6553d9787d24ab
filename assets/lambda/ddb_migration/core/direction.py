"""The two ways of a migration's changes, and what an operator calls things on each: the same code works on both."""

from __future__ import annotations

from dataclasses import dataclass

from ddb_migration import names


@dataclass(frozen=True)
class Direction:
    """One way: `source` and `destination` are the words for the tables that changes come from and go to.

    `act` is what switches the application that way, `has_acted` tells that it did, and `command` asks for it.
    The others are the states and the announced phases that differ.
    """

    name: str
    source: str
    destination: str
    act: str
    has_acted: str
    command: str
    waiting_state: str
    acting_state: str
    lifting_state: str
    fenced_phase: str
    fence_lifted_phase: str
    fence_restored_phase: str
    late_changes_phase: str


FORWARD = Direction(
    name=names.FORWARD,
    source="source",
    destination="destination",
    act="cut-over",
    has_acted="has cut over",
    command="ddb-migration cut-over",
    waiting_state=names.READY_TO_CUT_OVER_STATE,
    acting_state=names.CUT_OVER_STATE,
    lifting_state=names.LIFT_FENCE_STATE,
    fenced_phase=names.FENCED_PHASE,
    fence_lifted_phase=names.FENCE_LIFTED_PHASE,
    fence_restored_phase=names.FENCE_RESTORED_PHASE,
    late_changes_phase=names.LATE_CHANGES_PHASE,
)
REVERSE = Direction(
    name=names.REVERSE,
    source="destination",
    destination="source",
    act="roll back",
    has_acted="has rolled back",
    command="ddb-migration roll-back",
    waiting_state=names.ROLLBACK_WINDOW_STATE,
    acting_state=names.ROLL_BACK_STATE,
    lifting_state=names.LIFT_DESTINATION_FENCE_STATE,
    fenced_phase=names.DESTINATION_FENCED_PHASE,
    fence_lifted_phase=names.DESTINATION_FENCE_LIFTED_PHASE,
    fence_restored_phase=names.DESTINATION_FENCE_RESTORED_PHASE,
    late_changes_phase=names.LATE_DESTINATION_CHANGES_PHASE,
)
