"""The control record as the reverse path sees it.

The reverse path's own attributes stand in the row of the control record, under a prefix. All else it shares with the
migration: one read shows both as of one moment, and one condition guards both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.direction import REVERSE

PREFIX = "reverse_"
# What each path has for itself.
OWN = frozenset(
    {
        "accepted_sample",
        "accepted_by",
        "stream_arn",
        "captured_from",
        "settled_at",
        "trigger_enabled_at",
        "apply_failing_since",
        "apply_failure",
        "incomplete",
        "incomplete_at",
        "task_token",
        "ready_at",
        "cut_over_form",
        "cut_over_group",
        "cut_over_timeout",
        "cut_over_started",
        "cut_over_step",
        "cut_over_go",
        "cut_over_refused",
        "cut_over_refused_at",
        "prepared_at",
        "fenced_at",
        "apply_stopped_at",
        "cut_over_at",
    }
)
_SHARED = ("status", "phase", "execution", "changed_shards", "completing", "completed_at", "tombstone")
_EPOCH_SUFFIX = "-reverse"
_NAME = re.compile(r"#(\w+)")


def reverse_record(row: Mapping[str, Any]) -> ControlRecord:
    """Build the reverse path's record from the attributes of the control record's row.

    Its barrier is the fenced cut-over: before it nothing may be written to the source. Both tables were shown to be
    equal then, so what changes since is what a roll back has to compare, and what was missed before is no matter.
    """
    forward = ControlRecord.of(row)
    begins_at = forward.cut_over_at if forward.is_fenced_cut_over else None
    return ControlRecord(
        direction=REVERSE,
        epoch=None if forward.epoch is None else reverse_epoch(forward.epoch),
        barrier_at=begins_at,
        verified_at=begins_at,
        **{name: getattr(forward, name) for name in _SHARED},
        **{name: row[PREFIX + name] for name in OWN if PREFIX + name in row},
    )


def reverse_epoch(epoch: str) -> str:
    """Return what the reverse path's messages, rows and reports of an epoch bear."""
    return epoch + _EPOCH_SUFFIX


def epoch_of(epoch: str) -> str:
    """Return the migration's epoch, given the reverse path's."""
    return epoch.removesuffix(_EPOCH_SUFFIX)


def of_reverse(expression: str) -> str:
    """Return an expression (`#name` for each attribute) that speaks of the reverse path's own attributes."""
    return _NAME.sub(lambda found: f"#{PREFIX * (found[1] in OWN)}{found[1]}", expression)
