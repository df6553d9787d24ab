"""Mixing: items of many cursors in each batch, so that all partitions of the destination are kept busy.

A Scan yields items in the order of their hashes, so one segment fills one partition of the destination after the
other. Taking a few items of each of many strided segments spreads the writes as a full shuffle would, and costs
neither a disk nor a parse.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

# DynamoDB API, BatchWriteItem: at most 25 puts and 16 MB; the rest is for what stands around the items.
BATCH_ITEMS = 25
BATCH_BYTES = 12 * 1024 * 1024
# Items of one cursor in one batch, where there are cursors enough: what counts is the mix of a second's batches.
SHARE_ITEMS = 13
# A cursor rests after items were left unprocessed: 0.1 s, twice that the next time, at most 2 s.
REST_SECONDS = 0.1
LONGEST_REST_SECONDS = 2.0


@dataclass(eq=False)
class Page:
    """Items read in one go; `position` is where the unit goes on after them, None when nothing follows."""

    cursor: Cursor
    position: str | None
    items: int
    unwritten: int
    rejected: int = 0


@dataclass(eq=False)
class Cursor:
    """One unit of the plan under way: what was read and is not yet in a batch, and what is not yet written.

    `pages` are in the order of reading. The unit has come as far as the last page before which no item is
    missing (`position`, JSON); pages written before their turn wait. `reads_from` is where the next page begins.
    """

    unit: str
    position: str | None = None
    items_read: int = 0
    items_rejected: int = 0
    reads_from: str | None = None
    is_read: bool = False
    is_reading: bool = False
    read_failures: int = 0
    retry_at: float = float("-inf")
    pages: deque[Page] = field(default_factory=deque)
    fresh: deque[tuple[Page, list[bytes]]] = field(default_factory=deque)
    returned: list[tuple[Page, bytes]] = field(default_factory=list)
    rests: int = 0
    is_listed: bool = False
    is_resting: bool = False
    low_water: int = 0

    @property
    def has_items(self) -> bool:
        """Tell whether something can be put into a batch."""
        return bool(self.fresh or self.returned)

    @property
    def wants_page(self) -> bool:
        """Tell whether the next page should be read now."""
        if self.is_read or self.is_reading:
            return False
        return not self.fresh or (len(self.fresh) == 1 and len(self.fresh[0][1]) <= self.low_water)

    @property
    def is_done(self) -> bool:
        """Tell whether all of the unit is read and written, or parked."""
        return self.is_read and not self.pages

    def add(self, items: list[bytes], position: str | None) -> None:
        """Take in a page just read."""
        page = Page(self, position, len(items), len(items))
        self.pages.append(page)
        self.reads_from = position
        self.is_read = position is None
        if items:
            self.fresh.append((page, items))
            self.low_water = len(items) // 4

    def settle(self) -> bool:
        """Move on over the pages that are wholly written; tell whether the unit has come any further."""
        pages, before = self.pages, len(self.pages)
        while pages and not pages[0].unwritten:
            page = pages.popleft()
            self.position = page.position
            self.items_read += page.items
            self.items_rejected += page.rejected
        return len(pages) < before

    def hand_out(self, most: int, batch: Batch) -> int:
        """Move items into a batch, those that came back first; return how many."""
        if self.returned:
            page, text = self.returned.pop()
            taken = [text]
        else:
            page, texts = self.fresh[0]
            taken = texts[-most:]
            del texts[-most:]
            if not texts:
                self.fresh.popleft()
        count = len(taken)
        batch.texts += taken
        batch.shares.append((page, count))
        return count


class Batch:
    """Items for one BatchWriteItem, and of which pages they are (in order, with the count of each)."""

    __slots__ = ("shares", "texts")

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.shares: list[tuple[Page, int]] = []

    def owners(self) -> list[Page]:
        """Return the page of each item."""
        return [page for page, count in self.shares for _ in range(count)]

    def halves(self) -> tuple[Batch, Batch]:
        """Return two batches of half the items each; the first is never smaller."""
        middle = -(-len(self.texts) // 2)
        owned = list(zip(self.owners(), self.texts, strict=True))
        return _batch(owned[:middle]), _batch(owned[middle:])


def _batch(owned: Iterable[tuple[Page, bytes]]) -> Batch:
    batch = Batch()
    for page, text in owned:
        batch.texts.append(text)
        batch.shares.append((page, 1))
    return batch


class Mix:
    """The open cursors of one task; builds batches of those that do not rest.

    A key is in one batch once: segments and files hold different keys, a cursor yields each of its keys once, and
    an item that comes back was in no batch meanwhile. `draw` gives numbers in [0, 1).
    """

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self._ready: deque[Cursor] = deque()
        self._resting: list[tuple[float, int, Cursor]] = []
        self._order = itertools.count()
        self._largest_page = 0
        self.waiting = 0

    def arrived(self, cursor: Cursor, items: int, size: int = 0) -> None:
        """Take note of items that were added to a cursor, with the bytes of the page that they are."""
        self._largest_page = max(self._largest_page, size)
        if not cursor.is_resting and cursor.has_items:
            self.waiting += items
            self._list(cursor)

    def take(self, now: float, *, partly: bool) -> Batch | None:
        """Return the next batch; one that is not full only if `partly`, None where there is nothing to send."""
        if self._resting:
            self._wake(now)
        ready = self._ready
        if not ready or (self.waiting < BATCH_ITEMS and not partly):
            return None
        batch = Batch()
        each, left = SHARE_ITEMS if len(ready) > 1 else BATCH_ITEMS, BATCH_ITEMS
        while ready and left > 0:
            cursor = ready.popleft()
            taken = cursor.hand_out(each if each < left else left, batch)
            left -= taken
            if cursor.fresh or cursor.returned:
                ready.append(cursor)
            else:
                cursor.is_listed = False
        self.waiting -= BATCH_ITEMS - left
        # No share is larger than the page that it is of: so the items of most batches need not be measured.
        return batch if len(batch.shares) * self._largest_page <= BATCH_BYTES else self._fit(batch)

    def written(self, batch: Batch) -> list[Cursor]:
        """Take note that all of a batch is written; return the cursors of which a page is complete."""
        finished = []
        for page, count in batch.shares:
            page.unwritten -= count
            cursor = page.cursor
            if not page.unwritten:
                finished.append(cursor)
            if cursor.rests and not cursor.is_resting:
                cursor.rests = 0
        return finished

    def left(self, batch: Batch, places: Sequence[int], now: float) -> list[Cursor]:
        """Take note of which items were left unprocessed; they come back, and their cursors rest."""
        unprocessed = set(places)
        owners = batch.owners()
        back = [(owners[place], batch.texts[place]) for place in unprocessed]
        done = _batch((page, batch.texts[place]) for place, page in enumerate(owners) if place not in unprocessed)
        finished = self.written(done)
        self.come_back(back)
        for cursor in {page.cursor: None for page, _ in back}:
            self._rest(cursor, now)
        return finished

    def come_back(self, items: Iterable[tuple[Page, bytes]]) -> None:
        """Put items back, to be sent before fresh ones."""
        for page, text in items:
            page.cursor.returned.append((page, text))
            self.arrived(page.cursor, 1)

    def next_wake(self) -> float | None:
        """Return when the next cursor has rested, None where none rests."""
        return self._resting[0][0] if self._resting else None

    def _rest(self, cursor: Cursor, now: float) -> None:
        if cursor.is_resting:
            return
        seconds = min(LONGEST_REST_SECONDS, REST_SECONDS * 2.0 ** min(cursor.rests, 10))
        cursor.rests += 1
        cursor.is_resting = True
        until = now + seconds * (0.5 + 0.5 * self._draw())
        heapq.heappush(self._resting, (until, next(self._order), cursor))
        self.waiting -= _items_of(cursor)
        if cursor.is_listed:
            cursor.is_listed = False
            self._ready.remove(cursor)

    def _wake(self, now: float) -> None:
        resting = self._resting
        while resting and resting[0][0] <= now:
            cursor = heapq.heappop(resting)[2]
            cursor.is_resting = False
            self.waiting += _items_of(cursor)
            if cursor.has_items:
                self._list(cursor)

    def _list(self, cursor: Cursor) -> None:
        if not cursor.is_listed:
            cursor.is_listed = True
            self._ready.append(cursor)

    def _fit(self, batch: Batch) -> Batch:
        """Return as much of a batch as one request may hold; the rest comes back."""
        if sum(map(len, batch.texts)) <= BATCH_BYTES:
            return batch
        size, fitting = 0, 0
        for text in batch.texts:
            size += len(text)
            if size > BATCH_BYTES and fitting:
                break
            fitting += 1
        owned = list(zip(batch.owners(), batch.texts, strict=True))
        self.come_back(owned[fitting:])
        return _batch(owned[:fitting])


def _items_of(cursor: Cursor) -> int:
    return len(cursor.returned) + sum(len(texts) for _, texts in cursor.fresh)
