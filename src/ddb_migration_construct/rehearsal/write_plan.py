"""What the live writers write: an endless, seeded succession of acts on keys that all writers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from ddb_migration_construct.rehearsal.hostile_values import TYPES, value_of
from ddb_migration_construct.rehearsal.items import Item, Items

# No generated item has this attribute, so ADD always finds a number or nothing.
COUNTER = "writes so far"
HOT_INDEX = 0
_VERSIONS = 1_000_000


@dataclass(frozen=True)
class Write:
    """One call of DynamoDB's client: the key, the name of its method, and the arguments without the table's name."""

    key: Item
    method: str
    arguments: dict[str, Any]


# One act is written back to back, without a pause: changes of one key within the same instant.
Act = list[Write]


class WritePlan:
    """The acts of one writer.

    All writers draw from the same `population` of keys and from the same new ones, so that their writes to
    one key interleave; the order in which the source took them is the one that the destination must follow.
    """

    def __init__(self, items: Items, population: int, writer: int) -> None:
        self._items = items
        self._population = max(population, 1)
        self._rng = Random(f"{items.seed}/writer/{writer}")

    def __iter__(self) -> Iterator[Act]:
        """Yield acts without end."""
        while True:
            act, index = self._rng.choices(_ACTS, _WEIGHTS)[0], self._index()
            yield act(self, index)

    def _index(self) -> int:
        if self._rng.random() < 0.1:
            return HOT_INDEX
        # A tenth of the draws lies beyond the seeded items: keys that the bulk load never saw.
        return self._rng.randrange(self._population + self._population // 10 + 1)

    def _put(self, index: int) -> Write:
        item = self._items.item(index, 1 + self._rng.randrange(_VERSIONS))
        return Write(self._items.key(index), "put_item", {"Item": item})

    def _delete(self, index: int) -> Write:
        key = self._items.key(index)
        return Write(key, "delete_item", {"Key": key})

    def _update(self, index: int) -> Write:
        if not self._items.can_update(index):
            return self._put(index)
        changed, removed = self._rng.sample(self._items.names, 2)
        key = self._items.key(index)
        return Write(
            key,
            "update_item",
            {
                "Key": key,
                "ReturnValues": "ALL_NEW",
                "UpdateExpression": "SET #changed = :value REMOVE #removed ADD #counter :one",
                "ExpressionAttributeNames": {"#changed": changed, "#removed": removed, "#counter": COUNTER},
                "ExpressionAttributeValues": {
                    ":value": value_of(self._rng, self._rng.choice(TYPES)),
                    ":one": {"N": "1"},
                },
            },
        )

    def _put_once(self, index: int) -> Act:
        return [self._put(index)]

    def _delete_once(self, index: int) -> Act:
        return [self._delete(index)]

    def _update_once(self, index: int) -> Act:
        return [self._update(index)]

    def _put_delete_put(self, index: int) -> Act:
        return [self._put(index), self._delete(index), self._put(index)]

    def _there_and_back(self, index: int) -> Act:
        first = self._put(index)
        return [first, self._put(index), first]

    def _burst(self, _: int) -> Act:
        return [
            self._update(HOT_INDEX),
            self._put(HOT_INDEX),
            self._update(HOT_INDEX),
            self._update(HOT_INDEX),
        ]


_ACTS: tuple[Callable[[WritePlan, int], Act], ...] = (
    WritePlan._put_once,
    WritePlan._update_once,
    WritePlan._delete_once,
    WritePlan._put_delete_put,
    WritePlan._there_and_back,
    WritePlan._burst,
)
_WEIGHTS = (35, 30, 15, 8, 8, 4)
