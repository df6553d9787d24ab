"""What was answered last: of each key the item that its newest write left, as the table told the writer."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

from ddb_migration_construct.rehearsal.canonical import canonical
from ddb_migration_construct.rehearsal.items import Item


class Answered:
    """The newest item of each key that was written, None where it was deleted.

    Of two writes of one key that overlap nobody could tell which was the last, so `writing` keeps them apart.
    """

    def __init__(self) -> None:
        self._newest: dict[Hashable, Item | None] = {}
        self._locks: defaultdict[Hashable, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    @contextmanager
    def writing(self, key: Item) -> Iterator[Callable[[Item | None], None]]:
        """Keep other writes of the key away; what is given takes what this write has left."""
        name = canonical(key)
        with self._lock:
            lock = self._locks[name]

        def note(item: Item | None) -> None:
            self._newest[name] = item

        with lock:
            yield note

    def lost(self, held: Mapping[Hashable, Item], time_to_live: str | None = None) -> int:
        """Return how many keys of a table, given by canonical key, hold something else than their newest write left.

        Nothing may be written meanwhile. What is gone because its time had come, by this attribute, is no loss.
        """
        return sum(not _is_held(item, held.get(key), time_to_live) for key, item in self._newest.items())


def _is_held(answered: Item | None, held: Item | None, time_to_live: str | None) -> bool:
    if answered is None or held is None:
        return answered is held or (answered is not None and _has_expired(answered, time_to_live))
    return canonical(answered) == canonical(held)


def _has_expired(item: Item, time_to_live: str | None) -> bool:
    expires = item.get(time_to_live or "", {}).get("N")
    return expires is not None and Decimal(expires) < time.time()
