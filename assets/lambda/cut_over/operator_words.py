"""What an operator asks of the function directly: to see what a cut-over would do, and to complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cut_over import completing, stop_apply, tail
from cut_over.fence import DENIALS
from cut_over.fence import LOOK_SECONDS as CANARY_SECONDS
from cut_over.parts import Parts
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from ddb_migration.core.cut_over_order import FENCED
from ddb_migration.core.fence import KEEP, LIFT, fence_left
from ddb_migration.core.gate import closed_because, sample_of
from ddb_migration.core.state_call import Answer


def preview(parts: Parts, event: Mapping[str, Any]) -> Answer:
    """Tell what a cut-over would do, and what keeps it from being done; nothing is changed.

    `accepted_samples` are the sampled verify passes that the operator would accept, by name; `sample` in the answer
    is the one that the gate hangs on.
    """
    record = parts.control.read()
    record.require_open()
    accepted = record.verify_pass if record.verify_pass in event.get("accepted_samples", ()) else None
    facts = parts.gate.facts(replace(record, accepted_sample=accepted))
    sample = sample_of(facts)
    return {
        "closed_because": list(closed_because(facts)),
        "sample": {"pass": sample.verify_pass, "share": sample.sample} if sample else None,
        "has_cut_over": record.is_cut_over,
        "is_ready": record.task_token is not None,
        "fences": parts.fences,
        "fence": dict(parts.fence),
        "fence_seconds": (DENIALS - 1) * CANARY_SECONDS + tail.QUIET_SECONDS + stop_apply.HOLD_SECONDS,
    }


def complete(parts: Parts, event: Mapping[str, Any]) -> Answer:
    """Begin to complete, or go on with it; `lift_fence` tells whether the source takes writes again."""
    record = parts.control.read()
    if record.completed_at is not None and not record.is_open:
        return {"done": True, "waiting_for": "", "left": _left(parts, record)}
    if record.completing is None:
        refused = list(completing.refusals(parts, record))
        if refused:
            raise MigrationStopped("; ".join(refused))
    record = parts.control.ask_to_complete(LIFT if event["lift_fence"] else KEEP)
    waiting = completing.step(parts, record)
    return {"done": waiting is None, "waiting_for": waiting or "", "left": _left(parts, record)}


def _left(parts: Parts, record: ControlRecord) -> list[str]:
    """Return what is left for the operator to do."""
    told = [
        "switch on time to live at the destination, where the source has it",
        "take the consumers of the source's stream to the destination's",
        "remove the construct, and deploy",
    ]
    told += [f"{feature} of the source, which this migration switched on, is still on" for feature in _on(parts)]
    if record.cut_over_form == FENCED and record.completing != LIFT:
        told.append(fence_left(parts.source_arn, parts.fence["Sid"]))
    return told


def _on(parts: Parts) -> list[str]:
    return parts.control.switched_on()


ACTIONS: Mapping[str, Callable[[Parts, Mapping[str, Any]], Answer]] = {"preview": preview, "complete": complete}
