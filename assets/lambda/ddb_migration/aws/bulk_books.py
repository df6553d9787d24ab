"""A bulk task's bookkeeping: checkpoints that never pass an item which is neither written nor parked."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from ddb_migration.aws.bulk_port import Then, Value
from ddb_migration.core.mixing import Cursor

Aside = Callable[[Callable[[], Value], Then[Value]], None]


@dataclass(frozen=True)
class Saved:
    """A unit's checkpoint: whether it is done, where it goes on (JSON), and how many items lie before that."""

    done: bool = False
    position: str | None = None
    items_read: int = 0
    items_rejected: int = 0


@dataclass(frozen=True)
class Books:
    """Reads and writes checkpoints, and parks items with the reason; every call blocks."""

    read: Callable[[str], Saved]
    save: Callable[[str, Saved], None]
    park: Callable[[bytes, Exception], None]


class Records:
    """Saves how far cursors have come: their end at once, the rest when `save_all` is called."""

    def __init__(
        self,
        save: Callable[[str, Saved], None],
        aside: Callable[[Callable[[], None], Callable[[None], None]], None],
        done: Callable[[Cursor], None],
    ) -> None:
        self._save_unit, self._aside, self._done = save, aside, done
        self._unsaved: dict[Cursor, None] = {}
        self._saving: set[Cursor] = set()

    def settle(self, cursor: Cursor) -> None:
        """Take note that pages of a cursor may be complete."""
        if cursor.settle():
            self._unsaved[cursor] = None
            if cursor.is_done:
                self._save(cursor)

    def save_all(self) -> None:
        """Save every cursor that has come further since it was saved last."""
        for cursor in list(self._unsaved):
            self._save(cursor)

    def _save(self, cursor: Cursor) -> None:
        """Save one cursor; one after the other, so that an older position never overtakes a newer one."""
        if cursor in self._saving:
            return
        self._saving.add(cursor)
        self._unsaved.pop(cursor, None)
        saved = Saved(cursor.is_done, cursor.position, cursor.items_read, cursor.items_rejected)
        self._aside(
            functools.partial(self._save_unit, cursor.unit, saved),
            lambda _: self._is_saved(cursor, saved.done),
        )

    def _is_saved(self, cursor: Cursor, done: bool) -> None:
        self._saving.discard(cursor)
        if done:
            self._done(cursor)
        elif cursor.is_done and cursor in self._unsaved:
            self._save(cursor)
