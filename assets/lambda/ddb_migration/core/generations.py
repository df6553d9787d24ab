"""Generations: keys that did not agree, looked at again until they agree or have stood still long enough to differ.

A pure judge of what consistent reads of both tables show. While writes go on a key may differ at every look, because
a change takes time to be applied; it differs for good only when neither side has changed for longer than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ddb_migration.core.attribute_values import Item
from ddb_migration.core.lag import LOW_SECONDS

# What a look at a key comes to: all but MOVES is the end of it.
AGREES = "agrees"
EXPIRED = "expired"
DIFFERS = "differs"
PARKED = "parked"
ACCEPTED = "accepted"
MOVES = "moves"

# A lag that is not low may go on for days: then another pass is the better way.
LONGEST_PATIENCE_SECONDS = 1800.0
# So many states of the source are remembered for each key.
_REMEMBERED = 64


@dataclass(frozen=True)
class Look:
    """One look at a key: digests of what stood there (None for nothing) and its watermark (None for none).

    `listed` is the list of the control table that the key is in: PARKED, ACCEPTED, or None for neither.
    """

    source: bytes | None
    destination: bytes | None
    watermark: str | None = None
    is_expired: bool = False
    listed: str | None = None


@dataclass
class Candidate:
    """A key that did not agree; `since` is when both sides were first seen as they are now (epoch seconds)."""

    key: Item
    last: Look | None = None
    first_watermark: str | None = None
    since: float = 0.0
    seen: list[bytes | None] = field(default_factory=list)

    def judge(self, look: Look, now: float, hold: float | None) -> str:
        """Return what a look comes to; `hold` is how long a difference must stand in seconds, None while unknown."""
        outcome = self._outcome(look, now, hold)
        if not self._stands(look):
            self.since = now
        if self.last is None:
            self.first_watermark = look.watermark
        self.last = look
        self.seen = [*self.seen, look.source][-_REMEMBERED:]
        return outcome

    @property
    def is_in_motion(self) -> bool:
        """Tell whether changes were applied to the key since the first look, so that it is among the changed keys."""
        return self.last is not None and self.last.watermark not in (None, self.first_watermark)

    def _outcome(self, look: Look, now: float, hold: float | None) -> str:
        if look.source == look.destination or self._follows(look):
            return AGREES
        if look.is_expired and None in (look.source, look.destination):
            return EXPIRED
        stood = hold is not None and self._stands(look) and now - self.since >= hold
        # The gate knows of a parked key by itself, and an operator has said that an accepted one may differ.
        return (look.listed or DIFFERS) if stood else MOVES

    def _stands(self, look: Look) -> bool:
        """Tell whether both sides are as they were at the last look."""
        return self.last is not None and (look.source, look.destination) == (self.last.source, self.last.destination)

    def _follows(self, look: Look) -> bool:
        """Tell whether the destination shows what the source showed before, and changes were applied meanwhile.

        Without the second, a destination that stands still while the source goes on would pass for one that follows.
        """
        moved = self.last is not None and look.watermark not in (None, self.first_watermark)
        return moved and look.destination in self.seen


def hold_seconds(floor: float, lag: float | None) -> float | None:
    """Return how long both sides must stand still before a difference is one; None while the lag is not known.

    Twice the lag, because it is measured by the changes that have arrived and not by those on their way.
    """
    return None if lag is None else max(floor, 2 * lag)


def wait_seconds(generation: int, floor: float) -> float:
    """Return the wait before a generation: short at first, since most changes arrive within seconds."""
    return float(min(floor / 4, floor / 60 * 2.0**generation))


def patience_seconds(floor: float, lag: float | None) -> float:
    """Return for how long keys are looked at again: what is not settled by then never rests."""
    return 10 * (hold_seconds(floor, lag) or floor) if lag is None or lag < LOW_SECONDS else LONGEST_PATIENCE_SECONDS
