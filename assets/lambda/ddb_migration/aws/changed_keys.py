"""Changed keys: those whose watermark has risen since a moment, compared on both sides, and put right.

How no key is missed. A watermark is raised before its write, and the raise moves the key's row to that moment in the
index; every round looks from a minute before the last one began. What the index shows late, or what moves while it is
read, is therefore in the next round. The last round has no next one: there the keys at the end of the stream, read
from the stream itself, are compared by `check_keys` without the index, and `index_holds` tells when the index has
caught up with the newest of them; only then the last round begins.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from ddb_migration.aws.both_sides import BothSides, Pair
from ddb_migration.aws.rereads import Reread, Rereads
from ddb_migration.aws.rows import PAGE_ROWS, Page, Rows
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.canonical import digest
from ddb_migration.core.changed_index import partition_of
from ddb_migration.core.changed_keys import CHUNK_CHARACTERS, Round, Suspect, first_round
from ddb_migration.core.expiry import has_expired
from ddb_migration.core.generations import ACCEPTED
from ddb_migration.core.item_key import canonical_key, key_of_canonical, watermark_id
from ddb_migration.names import CHANGED_IN, CHANGED_INDEX, ITEM_KEY, RAISED_AT

# So many partitions of the index are asked at once; most hold nothing.
_STRIDE = 8
# So many calls for items are under way at once, where there are threads for them.
_SIDE_BY_SIDE = 8
# A key that was being written when it was compared is equal a moment later.
_PAUSES = (0.5, 1.0, 2.0)
# The row of the round that is under way, or was the last.
_STATE = "state"
# So many of the newest keys tell whether the index has caught up.
_NEWEST = 20

Each = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


class ChangedKeys:
    """The rounds of one epoch.

    `since` is when the verify that the first round follows began; `lag` asks what is known of the lag in seconds,
    None for nothing. `time_to_live` is the attribute that items expire by; `each` maps a function over what may go
    on side by side; `clock` gives epoch seconds.
    """

    def __init__(
        self,
        rows: Rows,
        epoch: str,
        stream_arn: str,
        shards: int,
        sides: BothSides,
        rereads: Rereads,
        *,
        since: float,
        lag: Callable[[], float | None],
        repair_extra: bool = False,
        time_to_live: str | None = None,
        each: Each = map,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._rows, self._epoch, self._stream_arn, self._shards = rows, epoch, stream_arn, shards
        self._watermarks = Watermarks(rows, stream_arn, clock, shards)
        self._sides, self._rereads = sides, rereads
        self._since, self._lag = since, lag
        self._repair_extra, self._time_to_live = repair_extra, time_to_live
        self._each, self._clock, self._sleep = each, clock, sleep
        self._partition = _partition(epoch)

    def check(self, until: float) -> Round:
        """Go on with the round under way, or begin the next, and return how far it has come.

        `until` is when this call must end, in epoch seconds. Call it again until the round is done; `is_settled`
        then says that all keys are equal.
        """
        current = self._current()
        lag = self._lag() if current.suspects else None
        now = self._clock()
        # Suspects get half of the time at most, so that the round comes to its end whatever the rate.
        current = self._again(current.following(now) if current.is_done else current, lag, (now + until) / 2)
        while not current.is_done and current.has_room and self._has_time(until):
            current = self._read_on(current, until)
        for pause in _PAUSES:
            if not (current.is_done and current.suspects) or self._clock() + pause >= until:
                break
            self._sleep(pause)
            current = self._again(current, lag, until)
        return self._saved(current)

    def check_keys(self, keys: Iterable[Item], until: float) -> int:
        """Compare keys that are known otherwise, and return how many of them it came to.

        For the keys at the end of the stream, before the last round. Those that differ become suspects of the round
        that stands. Fewer than all when time is up (`until`), or too many differ.
        """
        current, done = self._compared(self._current(), {canonical_key(key): key for key in keys}, until)
        self._saved(current)
        return done

    def index_holds(self, newest: Sequence[Item]) -> bool:
        """Tell whether the index shows the newest keys of the stream where their watermarks stand."""
        return all(map(self._is_indexed, newest[-_NEWEST:]))

    def _read_on(self, current: Round, until: float) -> Round:
        """Read some partitions of the index and compare their keys; one with more to come ends the step."""
        stride = 1 if current.start is not None else _STRIDE
        places = range(current.position, min(current.position + stride, len(current.partitions)))
        for place, page in zip(places, self._each(partial(self._page, current), places), strict=True):
            rows = (row for row in page.rows if current.concerns(row[RAISED_AT]))
            found = {row[ITEM_KEY]: key_of_canonical(row[ITEM_KEY]) for row in rows}
            current, done = self._compared(current, found, until)
            if done < len(found):
                # The page is read again by the next call: what it knows now it need not know twice.
                return current
            current = current.moved(done, place + (page.next is None), page.next, self._clock())
            if page.next is not None:
                return current
        return current

    def _page(self, current: Round, place: int) -> Page:
        partition = (CHANGED_IN, current.partitions[place])
        start = current.start if place == current.position else None
        # A page is compared as a whole or read again: one batch of calls, so that a low rate comes to its end too.
        most = min(PAGE_ROWS, _SIDE_BY_SIDE * self._sides.most_keys)
        return self._rows.page(CHANGED_INDEX, partition, (RAISED_AT, current.since), start, most)

    def _compared(self, current: Round, keys: Mapping[str, Item], until: float) -> tuple[Round, int]:
        """Compare keys, and return of how many of them the round knows now; fewer when time or room is up."""
        done, chunks = 0, _chunks(keys, lambda: self._sides.most_keys)
        while current.has_room and self._has_time(until) and (some := list(islice(chunks, _SIDE_BY_SIDE))):
            for chunk, suspects in zip(some, self._each(self._suspects, some), strict=True):
                if not current.has_room:
                    break
                current, done = current.suspecting(suspects), done + len(chunk)
        return current, done

    def _has_time(self, until: float) -> bool:
        """Tell whether the source may be read again before time is up: a wait must not outlast the call."""
        return self._clock() + self._sides.wait() < until

    def _suspects(self, keys: Mapping[str, Item]) -> list[Suspect]:
        pairs, now = self._sides.pairs(keys), self._clock()
        return [self._suspect(text, pair, now) for text, pair in pairs if not self._agree(pair, now)]

    def _suspect(self, text: str, pair: Pair, now: float) -> Suspect:
        return Suspect(text, _seen(pair), now, may_repair=self._may_repair(pair))

    def _agree(self, pair: Pair, now: float) -> bool:
        """Tell whether both sides hold the same; an item that has expired may be on one of them."""
        source, destination = pair
        if source is None or destination is None:
            alone = source or destination
            return alone is None or has_expired(alone, self._time_to_live, now)
        return source is destination or digest(source) == digest(destination)

    def _may_repair(self, pair: Pair) -> bool:
        """An item that only the destination has may be somebody's own."""
        return pair[0] is not None or self._repair_extra

    def _again(self, current: Round, lag: float | None, until: float) -> Round:
        """Look at suspects again, the next generation; those for whom there was no time come first another time."""
        keys = {suspect.key: key_of_canonical(suspect.key) for suspect in current.suspects}
        looks: dict[str, Suspect | None] = {}
        for chunk in _chunks(keys, lambda: self._sides.most_keys):
            if not self._has_time(until):
                break
            looks.update(self._looks(chunk))
        now = self._clock()
        left = [
            suspect.seen_again(look.seen, now, look.may_repair)
            for suspect in current.suspects
            if (look := looks.get(suspect.key)) is not None
        ]
        judged = self._judged(replace(current, suspects=()), left, now, lag)
        unseen = tuple(suspect for suspect in current.suspects if suspect.key not in looks)
        return replace(judged, suspects=unseen + judged.suspects)

    def _looks(self, keys: Mapping[str, Item]) -> dict[str, Suspect | None]:
        """Look at keys, and keep of their items no more than what a suspect holds; None where they agree."""
        differing = {suspect.key: suspect for suspect in self._suspects(keys)}
        return {text: differing.get(text) for text in keys}

    def _judged(self, current: Round, suspects: Sequence[Suspect], now: float, lag: float | None) -> Round:
        """Have those that stand still read again; what is parked no reread helps, and what is accepted may differ.

        A key may be parked, and accepted, after it was found to be stuck.
        """
        stand = [suspect for suspect in suspects if suspect.is_stuck or suspect.is_stable(now, lag)]
        lists = self._watermarks.lists((key_of_canonical(suspect.key) for suspect in stand), self._epoch)
        left = [suspect for suspect in suspects if lists.get(suspect.key) != ACCEPTED]
        arrived = self._sent([suspect for suspect in stand if not suspect.is_stuck and suspect.key not in lists])
        kept = [suspect.judged(now) if suspect in arrived else suspect for suspect in left]
        first = sum(suspect.judgements == 1 and suspect.since == now for suspect in kept)
        return replace(
            current,
            suspects=tuple(kept),
            differences=current.differences + first,
            rereads=current.rereads + sum(suspect.may_repair for suspect in arrived),
        )

    def _sent(self, due: Sequence[Suspect]) -> set[Suspect]:
        """Have suspects read again where that is allowed; return all but those whose reread the queue refused.

        Those will be due again: what never arrived must not count as having been in vain.
        """
        repairable = [suspect for suspect in due if suspect.may_repair]
        told = self._rereads.send([Reread(key_of_canonical(suspect.key)) for suspect in repairable])
        return set(due) - {suspect for suspect, arrived in zip(repairable, told, strict=True) if not arrived}

    def _is_indexed(self, key: Item) -> bool:
        at = self._watermarks.raised_at(key)
        if at is None:
            return True
        partition = (CHANGED_IN, partition_of(watermark_id(self._stream_arn, key), at, self._shards))
        page = self._rows.page(CHANGED_INDEX, partition, (RAISED_AT, at))
        return any(row[ITEM_KEY] == canonical_key(key) for row in page.rows)

    def _current(self) -> Round:
        return last_round(self._rows, self._epoch) or first_round(self._since, self._clock(), self._shards)

    def _saved(self, current: Round) -> Round:
        text = json.dumps(current.as_values(), separators=(",", ":"))
        self._rows.update(self._partition, _STATE, "SET #round = :round", {"round": text})
        if current.is_done:
            told = {"told": json.dumps(current.told())}
            self._rows.update(self._partition, f"round#{current.number:06d}", "SET #told = :told", told)
        return current


def last_round(rows: Rows, epoch: str) -> Round | None:
    """Return the round that is under way or was the last, None before the first."""
    row = rows.get(_partition(epoch), _STATE)
    return Round.of(json.loads(row["round"])) if row else None


def told_rounds(rows: Rows, epoch: str) -> list[dict[str, Any]]:
    """Return what is told of each round that is done, oldest first."""
    return [json.loads(row["told"]) for sk, row in rows.query(_partition(epoch)) if sk != _STATE]


def _partition(epoch: str) -> str:
    return f"changed#{epoch}"


def _seen(pair: Pair) -> str:
    return "/".join("-" if item is None else (digest(item) or b"").hex() for item in pair)


def _chunks(keys: Mapping[str, Item], most: Callable[[], int]) -> Iterator[dict[str, Item]]:
    """Part keys into calls of at most so many, and of no more than the round can come to suspect at once."""
    chunk: dict[str, Item] = {}
    characters = 0
    for text, key in keys.items():
        if chunk and (len(chunk) >= most() or characters + len(text) > CHUNK_CHARACTERS):
            yield chunk
            chunk, characters = {}, 0
        chunk[text] = key
        characters += len(text)
    if chunk:
        yield chunk
