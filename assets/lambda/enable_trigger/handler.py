"""EnableTrigger: one entry for the states of the state machine; each state is a module of its own."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from ddb_migration import names
from ddb_migration.aws.environment import Environment
from enable_trigger import (
    barrier,
    choose_bulk_load,
    drain,
    enable_trigger,
    export,
    repair,
    settle,
    start_capture,
    start_reverse_capture,
    verify,
)
from enable_trigger.parts import Answer, Call, Parts

STATES: Mapping[str, Callable[[Parts, Call], Answer]] = {
    names.START_CAPTURE_STATE: start_capture.run,
    names.SETTLE_STATE: settle.run,
    names.CHOOSE_BULK_LOAD_STATE: choose_bulk_load.run,
    names.EXPORT_STATE: export.run,
    names.BARRIER_STATE: barrier.run,
    names.ENABLE_TRIGGER_STATE: enable_trigger.run,
    names.DRAIN_STATE: drain.run,
    names.VERIFY_STATE: verify.run,
    names.REPAIR_STATE: repair.run,
    names.START_REVERSE_CAPTURE_STATE: start_reverse_capture.run,
}


def handler(event: Mapping[str, Any], context: object) -> Answer:
    """Run one state; `event` names it, the execution, and what the state's last call answered.

    The answer tells whether the state is done, or after how many seconds to call it again.
    """
    parts, call = _parts(), Call.of(event)
    answer = STATES[event["state"]](parts, call)
    if call.is_first:
        # Behind the state's own work: only an execution that holds the epoch has anything to tell.
        parts.announcements.phase(parts.control.read().epoch, event["state"])
    print(json.dumps({"state": event["state"], **answer}))
    return {**answer, "state": event["state"]}


@functools.cache
def _parts() -> Parts:
    return Parts.of(Environment.of_process())
