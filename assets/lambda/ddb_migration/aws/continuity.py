"""The moments up to which capture and apply are known to have worked, and the note that an epoch is incomplete."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.rows import ConditionFailed
from ddb_migration.core.continuity import MARGIN_SECONDS, Leg, Sight, judge, near_expiry
from ddb_migration.core.control_record import ControlRecord

# How seldom a function that works notes so.
NOTE_SECONDS = 60.0
_SK = "until"


@dataclass
class Continuity:
    """One leg of the change path; `clock` gives epoch seconds."""

    control: ControlTable
    leg: Leg
    clock: Callable[[], float]
    _noted_at: float = float("-inf")

    def until(self, record: ControlRecord) -> float:
        """Return up to when the leg is known to have worked in the open epoch; at first, when capture began."""
        row = self.control.rows.get(_partition(record), _SK)
        return max(float(row.get(self.leg.name, 0.0)), record.captured_from or 0.0)

    def met(self, record: ControlRecord, moments: Iterable[float]) -> None:
        """Note of what moments the changes are that the function has met, before it does anything with them.

        What changed before capture began is no matter: the bulk load reads it. Streams tell whole seconds
        (API StreamRecord, ApproximateCreationDateTime), so the second in which it began counts as behind it.
        """
        began = math.floor(record.captured_from or 0.0)
        oldest = min((moment for moment in moments if moment >= began), default=None)
        if oldest is not None:
            why = near_expiry(self.leg, self.clock() - oldest, self.clock())
            # A verify that began within the last hour has read what such a change was made to.
            self._note_incomplete(record, why, MARGIN_SECONDS)

    def worked(self, record: ControlRecord, moments: Iterable[float]) -> None:
        """Note that the function has taken changes of these moments, so that no older ones wait.

        Not after a long silence: only a look at the mapping can tell an idle table from a leg that stood still.
        """
        now, begun = self.clock(), record.captured_from or 0.0
        oldest = min(moments, default=None)
        if oldest is None or now - self._noted_at < NOTE_SECONDS:
            return
        self._noted_at = now
        kept_on = f"(#{self.leg.name} >= :floor AND #{self.leg.name} <= :until)"
        first = f"attribute_not_exists(#{self.leg.name}) OR " if now - begun < self.leg.limit else ""
        self._move(record, first + kept_on, until=max(begun, oldest), floor=now - self.leg.limit)

    def looked(self, record: ControlRecord, works: bool, changed_at: float, backlog: float | None) -> None:
        """Judge by a look at the leg's mapping: does it work, and when was it changed last (epoch seconds)?"""
        sight = Sight(self.until(record), works, changed_at, backlog, self.clock())
        judgement = judge(self.leg, sight)
        self._note_incomplete(record, judgement.incomplete)
        if judgement.until is not None and judgement.until > sight.until:
            name = self.leg.name
            self._move(record, f"attribute_not_exists(#{name}) OR #{name} <= :until", until=judgement.until)

    def _note_incomplete(self, record: ControlRecord, why: str | None, again_after: float = 0.0) -> None:
        """Note each gap, not the first alone: a verify that began before this one ended does not cure it."""
        if why is None or self.clock() - (record.incomplete_at or 0.0) <= again_after:
            return
        print(why)
        self.control.note_incomplete(str(record.epoch), why, self.clock())

    def _move(self, record: ControlRecord, when: str, **values: float) -> None:
        with contextlib.suppress(ConditionFailed):
            self.control.rows.update(_partition(record), _SK, f"SET #{self.leg.name} = :until", values, when)


def _partition(record: ControlRecord) -> str:
    return f"continuity#{record.epoch}"
