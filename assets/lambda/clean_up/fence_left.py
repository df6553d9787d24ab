"""The word about a fence that outlives its migration: its log goes with the stack, so the world is told too."""

from __future__ import annotations

from collections.abc import Iterable

from clean_up.ending import Fence
from ddb_migration import names
from ddb_migration.aws.announcements import Announcements


def tell_of_fences(fences: Iterable[Fence], announcements: Announcements) -> None:
    """Say which fences stay, and what lifts them; an application may have moved for good."""
    for fence in fences:
        left = fence.left()
        if left is None:
            continue
        print(left)
        announcements.phase(fence.control.read().epoch, names.FENCE_LEFT_PHASE, left=left)
