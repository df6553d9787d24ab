"""RollbackWindow: waits for the operator to roll back, until the window is over.

It holds a task token, whose answer is the operator's alone. So what ends it otherwise is told by an error's name.
"""

from __future__ import annotations

from cut_over import complete, ready_to_cut_over
from cut_over.parts import Parts
from ddb_migration.core.state_call import Answer, Call


class WindowOver(Exception):
    """The migration cannot be rolled back (any more): the state machine goes on to Complete."""


class RollBackBegun(Exception):
    """A roll back was begun by an execution that has ended: the state machine goes on with it."""


def run(parts: Parts, call: Call, token: str) -> Answer:
    """Keep the token for the operator, and watch over the source's fence and the reverse path."""
    record = parts.control.read()
    until = parts.rollback_until(record)
    if parts.reverse is None or until is None:
        raise WindowOver("the migration was not cut over with a rollback window")
    if parts.reverse.control.read().cut_over_started is not None:
        raise RollBackBegun("a roll back is under way, or has gone through")
    if record.completing is not None or parts.clock() >= until:
        raise WindowOver("the rollback window is over")
    parts.control.set(call.execution, rollback_until=until)
    complete.watch_fence(parts, record)
    parts.tell_parked()
    return ready_to_cut_over.run(parts.reverse, call, token)
