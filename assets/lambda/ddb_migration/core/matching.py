"""Matching: the items of one segment, as they arrive from both tables, set off against each other.

First by their texts as DynamoDB writes them, in the order in which it gives them: where both tables hash a key alike,
as DynamoDB's do, a page is mostly the other's page, and comparing two lists costs next to nothing. What is not in its
place is looked for by its text; what has no counterpart then is parsed and matched in canonical form, and what still
has none is left over with its key. Memory holds only what one table's read is ahead of the other's.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ddb_migration.core.attribute_values import Item
from ddb_migration.core.canonical import canonical_text, digest_of_text
from ddb_migration.core.item_key import key_of
from ddb_migration.core.item_text import parsed

SOURCE, DESTINATION = 0, 1
SIDES = (SOURCE, DESTINATION)

# So much text of one side may wait for its counterparts before it is put aside.
MOST_WAITING_BYTES = 8 * 1024 * 1024

Texts = list[bytes]


@dataclass(frozen=True)
class Leftover:
    """An item without an equal: on which side it was read, the digest of its canonical text, and its key."""

    side: int
    digest: bytes
    key: Item


@dataclass(frozen=True)
class Matched:
    """One segment, read and matched: for each side the items, their digest and the read units; and what is left.

    A digest is SHA-256 of the items' texts in the order in which they were read, in hex.
    """

    segment: int
    items: tuple[int, int]
    digests: tuple[str, str]
    read_units: tuple[float, float]
    leftovers: tuple[Leftover, ...]


@dataclass
class Side:
    """One table's share: what was read, and what waits: pages in their order, and texts out of theirs."""

    items: int = 0
    size: int = 0
    sha256: hashlib._Hash = field(default_factory=hashlib.sha256)
    queue: deque[Texts] = field(default_factory=deque)
    apart: set[bytes] = field(default_factory=set)

    def read(self, texts: Texts) -> None:
        """Count a page."""
        # No text of JSON holds a new line.
        page = b"\n".join([*texts, b""])
        self.items += len(texts)
        self.size += len(page) - len(texts)
        self.sha256.update(page)

    @property
    def waiting_bytes(self) -> int:
        """Return about how much text waits."""
        waiting = len(self.apart) + sum(map(len, self.queue))
        return waiting * self.size // max(1, self.items)

    def take(self) -> set[bytes]:
        """Take away all that waits."""
        taken = self.apart.union(*self.queue)
        self.queue.clear()
        self.apart = set()
        return taken


class Matching:
    """The matching of one segment."""

    def __init__(self, key_names: Sequence[str]) -> None:
        self.sides = (Side(), Side())
        self._key_names = key_names

    def add(self, side: int, texts: Texts) -> None:
        """Take in a page of one table."""
        mine, other = self.sides[side], self.sides[1 - side]
        mine.read(texts)
        while texts and other.queue:
            texts = self._compared(mine, other, texts)
        if texts:
            mine.queue.append(texts)

    def lead_bytes(self, side: int) -> int:
        """Return about how much text of one side waits for the other."""
        return self.sides[side].waiting_bytes - self.sides[1 - side].waiting_bytes

    @property
    def is_full(self) -> bool:
        """Tell whether so much waits that it should be taken away."""
        return any(side.waiting_bytes > MOST_WAITING_BYTES for side in self.sides)

    def take_leftovers(self) -> list[Leftover]:
        """Take away what has no equal here; among the leftovers of all segments it may have one."""
        source, destination = (side.take() for side in self.sides)
        left = [_canonical(source - destination), _canonical(destination - source)]
        return [
            Leftover(side, digest, key_of(item, self._key_names))
            for side in SIDES
            for digest, item in left[side].items()
            if digest not in left[1 - side]
        ]

    def _compared(self, mine: Side, other: Side, texts: Texts) -> Texts:
        """Compare texts with what waits first on the other side, and return those that are still to compare."""
        waiting = other.queue.popleft()
        count = min(len(texts), len(waiting))
        left, rest = texts[count:], waiting[count:]
        ours, theirs = texts[:count], waiting[:count]
        if ours != theirs:
            back, their_back = _set_apart(mine, other, ours, theirs)
            left, rest = back + left, their_back + rest
        if rest:
            other.queue.appendleft(rest)
        return left


def _set_apart(mine: Side, other: Side, ours: Texts, theirs: Texts) -> tuple[Texts, Texts]:
    """Match as many texts of each side in any order; set what is left apart, and return what to compare once more.

    Where one side has an item more than the other, the other's last one is compared once more, with what follows:
    so both are in step again.
    """
    our_left, their_left = _without_equal(ours, theirs, other.apart), _without_equal(theirs, ours, mine.apart)
    other.apart.difference_update(ours)
    mine.apart.difference_update(theirs)
    back, their_back = _tail(ours, our_left), _tail(theirs, their_left)
    if back and their_back:
        back, their_back = [], []
    mine.apart.update(our_left.difference(back))
    other.apart.update(their_left.difference(their_back))
    return back, their_back


def _without_equal(ours: Texts, theirs: Texts, apart: set[bytes]) -> set[bytes]:
    return set(ours).difference(theirs, apart)


def _tail(texts: Texts, left: set[bytes]) -> Texts:
    """Return the last texts, as many as are all among those left."""
    start = len(texts)
    while start and texts[start - 1] in left:
        start -= 1
    return texts[start:]


def _canonical(texts: Iterable[bytes]) -> dict[bytes, Item]:
    """Return items by the digests of their canonical texts."""
    items = [parsed(text) for text in texts]
    return {digest_of_text(canonical_text(item)): item for item in items}
