"""Changed keys, round by round: what a round has done, and what to think of a key that differs.

A round looks at the keys whose watermark rose since the last one began, and a little before. Keys that differ become
suspects and are read again, in generations: one that moves is no difference, because its next change brings it into
the next round; one that stands still for longer than a change may take is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ddb_migration.core.changed_index import partitions
from ddb_migration.core.lag import LOW_SECONDS

# A watermark is in the index within a second as a rule (DynamoDB guide, "Global secondary indexes", eventually
# consistent), and the write that it announces follows within 20 s.
OVERLAP_SECONDS = 60.0
# By so much may the clock of a WriteCdc be ahead of ours.
CLOCK_SECONDS = 5.0
# A round as short as this lets the next one, behind the fence, be as short.
QUICK_SECONDS = 5.0
# A failed change comes back after up to 30 s, and is then applied within 20.
_PATIENCE_SECONDS = 20.0
# A key that was found to differ so many times, with a reread each time, is stuck: somebody else writes to it.
MOST_JUDGEMENTS = 3
# All suspects have to fit into one row of 400 KB (DynamoDB quotas), written as JSON, which at worst doubles a key.
# `CHUNK_CHARACTERS` of keys may come on top, before the next look at the room that is left.
_MOST_BYTES = 200_000
_BYTES_OF_A_SUSPECT = 300
CHUNK_CHARACTERS = 60_000


@dataclass(frozen=True)
class Suspect:
    """A key (canonical text) that differs, what was seen on both sides, since when that has been so.

    `judgements` counts how often it was found to be a difference, and read again where `may_repair` allows that: it
    is False for an item that only the destination has and that shall stay there.
    """

    key: str
    seen: str
    since: float
    judgements: int = 0
    may_repair: bool = True

    def is_stable(self, now: float, lag: float | None) -> bool:
        """Tell whether neither side has changed for longer than a change may take; an unknown lag may be any."""
        return now - self.since > patience_seconds(lag)

    @property
    def is_stuck(self) -> bool:
        """Tell whether nothing more will be done about it."""
        return self.judgements >= (MOST_JUDGEMENTS if self.may_repair else 1)

    def seen_again(self, seen: str, now: float, may_repair: bool) -> Suspect:
        """Return the suspect as it is after another look: its time begins anew where a side has changed."""
        if seen == self.seen:
            return replace(self, may_repair=may_repair)
        return Suspect(self.key, seen, now, may_repair=may_repair)

    def judged(self, now: float) -> Suspect:
        """Return the suspect once it was found to be a difference; what is done about it gets as much time."""
        return replace(self, judgements=self.judgements + 1, since=now)


@dataclass(frozen=True)
class Round:
    """One round, as far as it has come; times are in epoch seconds.

    It looks at keys whose watermark rose from `since` on, until it `began`. `position` counts index partitions that
    are read, `start` is where the next one goes on. `keys` were compared, `differences` were stable, `rereads` were
    sent for them. `compared_at` is when all keys had been compared once.
    """

    number: int
    since: float
    began: float
    shards: int
    position: int = 0
    start: str | None = None
    keys: int = 0
    differences: int = 0
    rereads: int = 0
    compared_at: float | None = None
    suspects: tuple[Suspect, ...] = field(default=())

    @property
    def partitions(self) -> tuple[str, ...]:
        """Return the index partitions that it reads."""
        return partitions(self.since, self.began + CLOCK_SECONDS, self.shards)

    def concerns(self, raised_at: float) -> bool:
        """Tell whether a watermark is of this round; what rose after it began is for the next one."""
        return raised_at <= self.began + CLOCK_SECONDS

    @property
    def is_done(self) -> bool:
        """Tell whether all its keys have been compared."""
        return self.compared_at is not None

    @property
    def seconds(self) -> float | None:
        """Return how long it took to compare its keys, None before it has."""
        return None if self.compared_at is None else self.compared_at - self.began

    @property
    def is_quick(self) -> bool:
        """Tell whether it was short enough for the next one to follow behind the fence."""
        return self.seconds is not None and self.seconds < QUICK_SECONDS

    @property
    def is_settled(self) -> bool:
        """Tell whether all its keys, and those in suspicion from earlier, are equal."""
        return self.is_done and not self.suspects

    @property
    def stuck(self) -> int:
        """Return how many keys are different although they were read again and again."""
        return sum(suspect.is_stuck for suspect in self.suspects)

    @property
    def has_room(self) -> bool:
        """Tell whether more suspects can be kept; until then no more keys are compared."""
        bytes_ = (len(json.dumps(suspect.key)) + _BYTES_OF_A_SUSPECT for suspect in self.suspects)
        return sum(bytes_) < _MOST_BYTES

    def following(self, now: float) -> Round:
        """Return the next round: from a little before this one began; what is in suspicion stays so."""
        since = min(now, self.began) - OVERLAP_SECONDS
        return Round(self.number + 1, since, now, self.shards, suspects=self.suspects)

    def suspecting(self, differing: Iterable[Suspect]) -> Round:
        """Return the round with more suspects."""
        known = {suspect.key for suspect in self.suspects}
        new = tuple(suspect for suspect in differing if suspect.key not in known)
        return replace(self, suspects=self.suspects + new)

    def moved(self, keys: int, position: int, start: str | None, now: float) -> Round:
        """Return the round after so many keys more, at another position; behind the last partition it is done."""
        done = position >= len(self.partitions)
        there = replace(self, position=position, start=start, compared_at=now if done else None)
        return replace(there, keys=self.keys + keys)

    def told(self) -> dict[str, Any]:
        """Return what a report tells of the round: no keys."""
        counts = {"number": self.number, "since": self.since, "began": self.began, "keys": self.keys}
        ends = {"seconds": self.seconds, "differences": self.differences, "rereads": self.rereads}
        return {**counts, **ends, "moving": len(self.suspects) - self.stuck, "stuck": self.stuck}

    def as_values(self) -> dict[str, Any]:
        """Return the round as plain values."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Round:
        """Read what `as_values` returned, once it has been JSON."""
        return cls(**{**values, "suspects": tuple(Suspect(**row) for row in values["suspects"])})


def first_round(since: float, now: float, shards: int) -> Round:
    """Return the first round of an epoch, given when the verify that it follows began."""
    return Round(1, min(since, now) - OVERLAP_SECONDS, now, shards)


def patience_seconds(lag: float | None) -> float:
    """Return how long a difference must stand still before it is one."""
    return math.inf if lag is None else max(lag, LOW_SECONDS) + _PATIENCE_SECONDS
