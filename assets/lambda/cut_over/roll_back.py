"""RollBack: the cut-over of the reverse path; behind it the source takes writes again."""

from __future__ import annotations

from cut_over.cut_over import switch
from cut_over.lift_fence import LOOK_SECONDS
from cut_over.parts import Parts
from ddb_migration import names
from ddb_migration.core.state_call import Answer, Call, again


def run(parts: Parts, call: Call) -> Answer:
    """Go on with the roll back, or turn back on any doubt; answer whether the migration has rolled back.

    The source's fence goes once nothing of the destination can change any more, and before anybody is told.
    """
    answer = switch(parts.way_back, call)
    if not answer.get("cut_over"):
        return answer
    if not parts.policy.remove_fence(parts.fence["Sid"]):
        return again(LOOK_SECONDS, waiting_for="the source's fence to be lifted")
    parts.announcements.phase(answer["epoch"], names.ROLLED_BACK_PHASE)
    return answer
