"""Looks at the two event source mappings, by which a gap in capture or apply is noticed."""

from __future__ import annotations

from dataclasses import dataclass

from ddb_migration.aws.continuity import Continuity
from ddb_migration.aws.mappings import ENABLED, problem
from ddb_migration.core.continuity import CAPTURE_LEG, apply_leg
from ddb_migration.core.control_record import ControlRecord
from enable_trigger.parts import Parts


@dataclass(frozen=True)
class MappingLook:
    """Whether a mapping works, and when it was changed last, in epoch seconds."""

    works: bool
    changed_at: float


def look_at(parts: Parts, function: str, source_arn: str) -> MappingLook:
    """Look at a function's mapping; one that is gone does not work."""
    found = parts.mappings.of(function, source_arn)
    if not found:
        return MappingLook(False, parts.clock())
    # Lambda API, EventSourceMappingConfiguration: when the mapping was updated, or its state changed.
    changed_at = found[0]["LastModified"].timestamp()
    return MappingLook(found[0]["State"] == ENABLED and problem(found[0]) is None, changed_at)


def note_capture(parts: Parts, record: ControlRecord, look: MappingLook, backlog: float | None) -> None:
    """Note whether capture may have missed changes; `backlog` is the age in seconds of the oldest that waits."""
    capture = Continuity(parts.control, CAPTURE_LEG, parts.clock)
    capture.looked(record, look.works, look.changed_at, backlog)


def note_apply(parts: Parts, record: ControlRecord, look: MappingLook, backlog: float | None) -> None:
    """Note whether changes may have expired in the queue; `backlog` as for capture, None where it is unknown."""
    apply = Continuity(parts.control, apply_leg(parts.settings.change_retention_seconds), parts.clock)
    apply.looked(record, look.works, look.changed_at, backlog)
