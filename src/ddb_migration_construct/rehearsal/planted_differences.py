"""Differences put into the destination before Verify, to show that it finds them all and invents none.

They are in items of their own, beyond those that the writers write, so that nothing but the migration mends them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ddb_migration_construct.rehearsal.items import Item, Items

Change = Callable[[dict[str, Any]], object]

# An item with something to differ in.
_ATTRIBUTES: Mapping[str, Any] = {
    "text": {"S": "as it is"},
    "number": {"N": "1"},
    "set": {"SS": ["a", "b", "c"]},
    "bytes": {"B": b"\x00\x01\xfe\xff"},
    "nested": {"M": {"list": {"L": [{"M": {"deep": {"N": "7"}}}]}}},
    "nothing": {"NULL": True},
}


@dataclass(frozen=True)
class Kind:
    """One kind: whether the source has the item, what the destination holds (None for nothing), and if that counts.

    `deleted` tells that the source had the item once.
    """

    name: str
    change: Change | None
    at_source: bool = True
    deleted: bool = False
    counts: bool = True


def _put(name: str, value: Any) -> Change:
    return lambda item: item.update({name: value})


KINDS = (
    Kind("missing", None),
    Kind("extra", lambda item: None, at_source=False),
    Kind("attribute changed", _put("text", {"S": "as it was"})),
    Kind("number as string", _put("number", {"S": "1"})),
    Kind("set in another order", _put("set", {"SS": ["c", "a", "b"]}), counts=False),
    Kind("1.0 for 1", _put("number", {"N": "1.0"}), counts=False),
    Kind("one byte of binary", _put("bytes", {"B": b"\x00\x01\xfe\xfe"})),
    Kind("nested value", _put("nested", {"M": {"list": {"L": [{"M": {"deep": {"N": "8"}}}]}}})),
    Kind("absent for null", lambda item: item.pop("nothing")),
    Kind("undead", lambda item: None, at_source=False, deleted=True),
)


class PlantedDifferences:
    """So many items, of each kind in turn."""

    def __init__(self, client: Any, source: str, destination: str, items: Items, population: int, count: int) -> None:
        self._client, self._source, self._destination = client, source, destination
        # The writers draw from the population and a tenth more.
        first = 2 * population + 1000
        self._planted = [(KINDS[place % len(KINDS)], items.key(first + place)) for place in range(count)]

    @property
    def real(self) -> int:
        """How many of them are differences, and not other ways of writing the same."""
        return sum(kind.counts for kind, _ in self._planted)

    def prepare(self) -> None:
        """Put what the source holds, or held; before the migration starts."""
        for kind, key in self._planted:
            if kind.at_source or kind.deleted:
                self._client.put_item(TableName=self._source, Item=_item(key))
            if kind.deleted:
                self._client.delete_item(TableName=self._source, Key=key)

    def plant(self) -> None:
        """Make the destination differ."""
        for kind, key in self._planted:
            if kind.change is None:
                self._client.delete_item(TableName=self._destination, Key=key)
            else:
                item = _item(key)
                kind.change(item)
                self._client.put_item(TableName=self._destination, Item=item)


def _item(key: Item) -> dict[str, Any]:
    return {**_ATTRIBUTES, **key}
