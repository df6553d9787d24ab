"""Matching: the items of one segment, as they arrive from both tables, set off against each other by digest.

First by their texts as DynamoDB writes them, which is quick; what has no counterpart then is parsed and matched in
canonical form. A digest tells all of an item, its key too, so equal ones need no more looking at, and an item without
an equal is left over with its key. Memory holds only what one table's read is ahead of the other's: both give a
segment in the same order where their keys are hashed alike, as DynamoDB's are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ddb_migration.core.attribute_values import Item
from ddb_migration.core.canonical import DIGEST_BYTES, canonical_text, digest_of_text
from ddb_migration.core.item_key import key_of
from ddb_migration.core.item_text import parsed

SOURCE, DESTINATION = 0, 1
SIDES = (SOURCE, DESTINATION)

# So much text of one side may wait for its counterparts before it is put aside.
MOST_WAITING_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Leftover:
    """An item without an equal: on which side it was read, the digest of its canonical text, and its key."""

    side: int
    digest: bytes
    key: Item


@dataclass(frozen=True)
class Matched:
    """One segment, read and matched: for each side the items, their digest and the read units; and what is left."""

    segment: int
    items: tuple[int, int]
    digests: tuple[int, int]
    read_units: tuple[float, float]
    leftovers: tuple[Leftover, ...]


@dataclass
class Side:
    """One table's share: what was read, the exclusive or of its digests, and the texts that wait, by digest."""

    items: int = 0
    size: int = 0
    digest: int = 0
    waiting: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def waiting_bytes(self) -> int:
        """Return about how much text waits."""
        return len(self.waiting) * self.size // max(1, self.items)


class Matching:
    """The matching of one segment."""

    def __init__(self, key_names: Sequence[str]) -> None:
        self.sides = (Side(), Side())
        self._key_names = key_names

    def add(self, side: int, texts: Sequence[bytes]) -> None:
        """Take in a page of one table."""
        mine, other = self.sides[side], self.sides[1 - side]
        digests = digests_of(texts)
        mine.items += len(texts)
        mine.size += sum(map(len, texts))
        mine.digest ^= folded(b"".join(digests))
        fresh = dict(zip(digests, texts, strict=True))
        matched = fresh.keys() & other.waiting.keys()
        for digest in matched:
            del other.waiting[digest]
        if len(matched) < len(fresh):
            mine.waiting.update((digest, text) for digest, text in fresh.items() if digest not in matched)

    def lead_bytes(self, side: int) -> int:
        """Return about how much text of one side waits for the other."""
        return self.sides[side].waiting_bytes - self.sides[1 - side].waiting_bytes

    @property
    def is_full(self) -> bool:
        """Tell whether so much waits that it should be taken away."""
        return any(side.waiting_bytes > MOST_WAITING_BYTES for side in self.sides)

    def take_leftovers(self) -> list[Leftover]:
        """Take away what has no equal here; among the leftovers of all segments it may have one."""
        source, destination = (_canonical(side.waiting) for side in self.sides)
        for digest in source.keys() & destination.keys():
            # One item in two spellings: its digest is to be the same on both sides.
            self.sides[DESTINATION].digest ^= _xor(source.pop(digest)[0], destination.pop(digest)[0])
        for side in self.sides:
            side.waiting = {}
        return [
            Leftover(side, digest, key_of(item, self._key_names))
            for side, left in enumerate((source, destination))
            for digest, (_, item) in left.items()
        ]


def digests_of(texts: Iterable[bytes]) -> list[bytes]:
    """Return the digests of texts: canonical.digest_of_text, without a call for each."""
    sha256, length = hashlib.sha256, DIGEST_BYTES
    return [sha256(text).digest()[:length] for text in texts]


def folded(digests: bytes) -> int:
    """Return the exclusive or of digests that lie one after the other, by halves: a few operations for any number."""
    value, count = int.from_bytes(digests, "big"), len(digests) // DIGEST_BYTES
    while count > 1:
        low = (count + 1) // 2
        bits = 8 * DIGEST_BYTES * low
        value = (value >> bits) ^ (value & ((1 << bits) - 1))
        count = low
    return value


def _canonical(waiting: Mapping[bytes, bytes]) -> dict[bytes, tuple[bytes, Item]]:
    """Return the digests as texts and the items, by the digests of their canonical texts."""
    items = [(digest, parsed(text)) for digest, text in waiting.items()]
    return {digest_of_text(canonical_text(item)): (digest, item) for digest, item in items}


def _xor(one: bytes, other: bytes) -> int:
    return int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
