"""CutOver: one entry for the states from ReadyToCutOver on, and for what the operator asks directly."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from cut_over import (
    complete,
    cut_over,
    lift_fence,
    operator_words,
    ready_to_cut_over,
    roll_back,
    rollback_window,
)
from cut_over.compose import parts_of
from cut_over.parts import Parts
from ddb_migration import names
from ddb_migration.aws.environment import Environment
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.state_call import Answer, Call

STATES: Mapping[str, Callable[[Parts, Call], Answer]] = {
    names.CUT_OVER_STATE: cut_over.run,
    names.LIFT_FENCE_STATE: lift_fence.run,
    names.COMPLETE_STATE: complete.run,
    names.ROLL_BACK_STATE: roll_back.run,
    names.LIFT_DESTINATION_FENCE_STATE: lambda parts, call: lift_fence.run(parts.way_back, call),
}
# These wait for the operator, and are given a task token.
WAITING: Mapping[str, Callable[[Parts, Call, str], Answer]] = {
    names.READY_TO_CUT_OVER_STATE: ready_to_cut_over.run,
    names.ROLLBACK_WINDOW_STATE: rollback_window.run,
}


def handler(event: Mapping[str, Any], context: object) -> Answer:
    """Run one state (see EnableTrigger's handler), or do one action of the operator."""
    if "action" in event:
        return _asked(event)
    call = Call.of(event)
    if event["state"] in WAITING:
        answer = WAITING[event["state"]](_parts(), call, event["token"])
    else:
        answer = STATES[event["state"]](_parts(), call)
    print(json.dumps({"state": event["state"], **answer}))
    return {**answer, "state": event["state"]}


def _asked(event: Mapping[str, Any]) -> Answer:
    try:
        return {"refused": None, **operator_words.ACTIONS[event["action"]](_parts(), event)}
    except MigrationStopped as stopped:
        return {"refused": str(stopped)}


@functools.cache
def _parts() -> Parts:
    return parts_of(Environment.of_process())
