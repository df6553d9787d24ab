"""The items of a rehearsal of the user's own items: theirs first, and hostile ones beside them."""

from __future__ import annotations

from collections.abc import Sequence

from ddb_migration_construct.rehearsal.given_items import GivenItem
from ddb_migration_construct.rehearsal.hostile_values import TYPES
from ddb_migration_construct.rehearsal.items import LARGE_ITEM_BYTES, HostileItems, Item, Items
from ddb_migration_construct.rehearsal.options import RehearsalOptions


def items_of(options: RehearsalOptions) -> Items:
    """Return the items that a rehearsal seeds and its writers write."""
    hostile = HostileItems(options.seed, options.key_shape, options.indexed)
    return hostile if options.given_items is None else TableItems(options.given_items, hostile)


class TableItems:
    """The given items have the indexes from 0 on; behind them come hostile items with keys of the same shape.

    Of a given index every even version is the given item, every odd one a hostile item of its key: so the
    writers send the given items too, and a key changes with each of two writes.
    """

    def __init__(self, given: Sequence[GivenItem], hostile: HostileItems) -> None:
        self._given = given
        self._hostile = hostile

    @property
    def seed(self) -> int:
        """The seed of the hostile items."""
        return self._hostile.seed

    @property
    def names(self) -> tuple[str, ...]:
        """Hostile names."""
        return self._hostile.names

    def key(self, index: int) -> Item:
        """Return the primary key of an index."""
        if index >= len(self._given):
            return self._hostile.key(index)
        return {name: self._given[index][name] for name in self._hostile.key_shape.attributes()}

    def item(self, index: int, version: int = 0) -> Item:
        """Return the item of an index."""
        if index < len(self._given) and version % 2 == 0:
            return self._given[index]
        return {**self._hostile.item(index, max(version, 1)), **self.key(index)}

    def can_update(self, index: int) -> bool:
        """Tell whether what an update adds will fit, and no attribute is called like a type."""
        if index >= len(self._given):
            return self._hostile.can_update(index)
        item = self._given[index]
        named_like_types = any(name in TYPES for name in item)
        return self._hostile.can_update(index) and not named_like_types and len(repr(item)) < LARGE_ITEM_BYTES
