"""What an operator asks of the function directly: to see what a cut-over or a roll back would do, and to complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cut_over import completing, stop_apply, tail
from cut_over.fence import DENIALS
from cut_over.fence import LOOK_SECONDS as CANARY_SECONDS
from cut_over.parts import Parts
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from ddb_migration.core.fence import KEEP, LIFT, fence_left
from ddb_migration.core.gate import closed_because, sample_of
from ddb_migration.core.moments import utc
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
        **_told(parts, record),
    }


def preview_roll_back(parts: Parts, event: Mapping[str, Any]) -> Answer:
    """Tell what a roll back would do, and what keeps it from being done; `until` is when the window ends, if any."""
    forward, path = parts.control.read(), parts.way_back
    forward.require_open()
    until, record = parts.rollback_until(forward), path.control.read()
    # Where there is no roll back to be had, what its gate says is of no use.
    reasons = _no_window(parts, forward, until) or list(closed_because(path.gate.facts(record)))
    return {**_told(path, record), "closed_because": reasons, "until": until}


def _no_window(parts: Parts, record: ControlRecord, until: float | None) -> list[str]:
    if not record.is_cut_over:
        return ["the migration has not cut over, so there is nothing to roll back"]
    if until is None:
        return ["the migration was not cut over with a rollback window"]
    if record.is_rolled_back:
        return ["the migration has rolled back already"]
    if parts.clock() >= until or record.completing is not None:
        return [f"the rollback window was over at {utc(until)}: the destination is the table"]
    return []


def _told(parts: Parts, record: ControlRecord) -> Answer:
    return {
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
    if record.is_rolled_back:
        return _left_of_roll_back(parts, record)
    told = [
        "switch on time to live at the destination, where the source has it",
        "take the consumers of the source's stream to the destination's",
        "remove the construct, and deploy",
    ]
    told += [f"{feature} of the source, which this migration switched on, is still on" for feature in _on(parts)]
    if record.fence_stays:
        told.append(fence_left(parts.source_arn, parts.fence["Sid"]))
    return told


def _left_of_roll_back(parts: Parts, record: ControlRecord) -> list[str]:
    """Return what is left after a roll back: the source is the table, as before the migration."""
    path = parts.way_back
    told = [
        "see that every application reads and writes the source again, and every consumer its stream",
        "remove the construct, and deploy",
        "before another migration into this destination, empty it: it holds what it held at the roll back",
    ]
    told += [f"{feature} of the source, which this migration switched on, is still on" for feature in _on(parts)]
    if path.control.read().fence_stays:
        told.append(fence_left(path.source_arn, path.fence["Sid"]))
    return told


def _on(parts: Parts) -> list[str]:
    return parts.control.switched_on()


ACTIONS: Mapping[str, Callable[[Parts, Mapping[str, Any]], Answer]] = {
    "preview": preview,
    "preview-roll-back": preview_roll_back,
    "complete": complete,
}
