"""The removal of what was made at run time: the event source mappings, and the wait for what they still called."""

from __future__ import annotations

from collections.abc import Callable

from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.mappings import Mappings
from ddb_migration.core.control_record import ControlRecord

# The longest that EnableTrigger or WriteCdc may run on: what the one still creates is found by the last look, and
# the other writes nothing any more. What StreamProcessor still sends bears the old epoch.
LAST_INVOCATIONS_SECONDS = 60


class Removal:
    """Removes the mappings of some functions, in passes that can be repeated; `clock` gives epoch seconds."""

    def __init__(
        self, control: ControlTable, mappings: Mappings, functions: tuple[str, ...], clock: Callable[[], float]
    ) -> None:
        self._control = control
        self._mappings = mappings
        self._functions = functions
        self._clock = clock

    def step(self, record: ControlRecord, is_ending: bool) -> str | None:
        """Do what can be done now; return what is still waited for, None when nothing is left.

        `is_ending` tells that the epoch goes on to its end, so that a first look that finds nothing is noted too.
        """
        return self._remove(record, is_ending) or self._wait_for_invocations()

    def _remove(self, record: ControlRecord, is_ending: bool) -> str | None:
        found = [mapping for function in self._functions for mapping in self._mappings.of(function)]
        if found or (is_ending and record.mappings_removed_at is None):
            # Before, for they may be those of an epoch that was opened since; that is not this one to end.
            self._control.note_mappings_removed(record.epoch, self._clock())
        for mapping in found:
            self._mappings.delete(mapping)
        if found:
            # Written while they still go, and again until none is left: the last write counts.
            self._control.note_mappings_removed(record.epoch, self._clock())
        return f"{len(found)} event source mappings to go" if found else None

    def _wait_for_invocations(self) -> str | None:
        removed = self._control.read().mappings_removed_at
        if removed is None:
            return None
        left = removed + LAST_INVOCATIONS_SECONDS - self._clock()
        return f"the functions' last invocations to end, {left:.0f} s" if left > 0 else None
