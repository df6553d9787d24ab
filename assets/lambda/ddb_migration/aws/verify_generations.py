"""The generations of a verify pass: candidates read again, consistently on both sides, until all is settled."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ddb_migration import names
from ddb_migration.aws.both_sides import BothSides, Pair, chunks
from ddb_migration.aws.watermarks import list_names
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.canonical import differing_attributes, digest
from ddb_migration.core.expiry import has_expired
from ddb_migration.core.generations import (
    DIFFERS,
    MOVES,
    Candidate,
    Look,
    hold_seconds,
    patience_seconds,
    wait_seconds,
)
from ddb_migration.core.item_key import canonical_key, watermark_id
from ddb_migration.core.verify_report import DIFFERENT, EXTRA, MISSING, Difference, Generation
from ddb_migration.names import PK, SK

WATERMARK = "watermark"


class KeyLooks:
    """Looks at keys: both items, read consistently, the watermark, and whether the key is parked or accepted.

    `expires_by` are the attributes by which source and destination expire items.
    """

    def __init__(
        self,
        sides: BothSides,
        control_table: str,
        stream_arn: str,
        epoch: str,
        expires_by: Iterable[str | None] = (),
    ) -> None:
        self.sides = sides
        self._control_table, self._stream_arn = control_table, stream_arn
        self._lists = list_names(epoch)
        self._expires_by = tuple(expires_by)

    def look(self, keys: Iterable[Item], now: float) -> Iterator[tuple[str, Pair, Look]]:
        """Yield (canonical key, items, look) for each key."""
        for chunk in chunks({canonical_key(key): key for key in keys}, lambda: self.sides.most_keys):
            pairs = dict(self.sides.pairs(chunk))
            differing = {text: chunk[text] for text, (one, other) in pairs.items() if digest(one) != digest(other)}
            rows = self._watermarks(differing)
            for text, pair in pairs.items():
                yield text, pair, self._of(pair, rows.get(text, {}), now)

    def _of(self, pair: Pair, row: Mapping[str, Any], now: float) -> Look:
        number, listed = (row.get(name, {}).get("S") for name in ("number", names.PARKED_EPOCH))
        there = [item for item in pair if item is not None]
        expired = any(has_expired(item, name, now) for item in there for name in self._expires_by)
        return Look(digest(pair[0]), digest(pair[1]), number, expired, self._lists.get(listed))

    def _watermarks(self, keys: Mapping[str, Item]) -> dict[str, dict[str, Any]]:
        """Return the rows of the watermarks that keys have."""
        if not keys:
            return {}
        rows = {watermark_id(self._stream_arn, key): text for text, key in keys.items()}
        wanted = {row: {PK: {"S": row}, SK: {"S": WATERMARK}} for row in rows}
        found = self.sides.read(self._control_table, wanted).values()
        return {rows[row[PK]["S"]]: row for row in found}


@dataclass
class Settled:
    """What became of all candidates; `unsettled` keys neither agreed, nor differed for good, nor were seen moving."""

    outcomes: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    in_motion: list[Item] = field(default_factory=list)
    unsettled: int = 0
    generations: list[Generation] = field(default_factory=list)


class Generations:
    """Settles candidates.

    `lag` returns the lag in seconds, None while unknown; `permit` is asked before each generation, and raises or
    waits where the migration says so. `floor` is how long a difference must stand at the least, in seconds; `clock`
    gives epoch seconds.
    """

    def __init__(
        self,
        looks: KeyLooks,
        lag: Callable[[], float | None],
        permit: Callable[[], None],
        floor: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._looks, self._lag, self._permit, self._floor = looks, lag, permit, floor
        self._clock, self._sleep = clock, sleep

    def settle(self, keys: Iterable[Item]) -> Settled:
        """Look at keys, generation after generation, and return what became of them."""
        candidates = {canonical_key(key): Candidate(key) for key in keys}
        settled = Settled()
        began = self._clock()
        while candidates and self._goes_on(settled.generations, self._clock() - began):
            self._sleep(wait_seconds(len(settled.generations), self._floor))
            self._permit()
            self._generation(candidates, settled)
        settled.in_motion = [candidate.key for candidate in candidates.values() if candidate.is_in_motion]
        settled.unsettled = len(candidates) - len(settled.in_motion)
        return settled

    def _goes_on(self, generations: Sequence[Generation], seconds: float) -> bool:
        lags = [generation.lag_seconds for generation in generations if generation.lag_seconds is not None]
        return seconds < patience_seconds(self._floor, max(lags, default=None))

    def _generation(self, candidates: dict[str, Candidate], settled: Settled) -> None:
        began, lag = self._clock(), self._lag()
        outcomes: Counter[str] = Counter()
        keys = [candidate.key for candidate in candidates.values()]
        for text, pair, look in self._looks.look(keys, began):
            outcome = candidates[text].judge(look, self._clock(), hold_seconds(self._floor, lag))
            outcomes[outcome] += 1
            if outcome == DIFFERS:
                settled.differences.append(difference(candidates[text].key, pair, look.watermark))
            if outcome != MOVES:
                del candidates[text]
        ended = len(keys) - len(candidates) - outcomes[DIFFERS]
        settled.generations.append(Generation(began, len(keys), ended, outcomes[DIFFERS], lag))
        settled.outcomes.update(outcomes)


def difference(key: Item, pair: Pair, watermark: str | None) -> Difference:
    """Return how two items differ, without their values."""
    source, destination = pair
    if source is None or destination is None:
        return Difference(EXTRA if source is None else MISSING, dict(key), (), watermark)
    return Difference(DIFFERENT, dict(key), differing_attributes(source, destination), watermark)


def kinds(differences: Sequence[Difference]) -> Counter[str]:
    """Return how many differences there are of each kind."""
    return Counter(found.kind for found in differences)
