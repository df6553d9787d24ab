"""A small table of orders, its changes, and ways of carrying them: the product's, and others to compare with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tests.fidelity.paths import World, as_json
from tests.strategies import Item, Shape, Step

SHAPE: Shape = (("id", "S"),)
BASE = 10**30
Record = dict[str, Any]
# Carries stream records, given batch by batch, into the destination.
Carrier = Callable[[World, Sequence[Sequence[Record]]], None]


def key(name: str) -> Item:
    return {"id": {"S": name}}


class Orders(World):
    """A world whose source changes by name."""

    def __init__(self, shape: Shape = SHAPE) -> None:
        super().__init__(shape)
        self._changes = 0

    def write(self, item: Item) -> Record:
        """Put an item into the source; returns its stream record, with the old image too."""
        return self._change({name: item[name] for name, _ in self.shape}, item)

    def remove(self, key: Item) -> Record:
        return self._change(key, None)

    def _change(self, key: Item, image: Item | None) -> Record:
        old = self.dynamodb.get_item(TableName="source", Key=key).get("Item")
        self._changes += 1
        record = self.happen(Step(key, image, str(BASE + self._changes)))
        if old:
            record["dynamodb"]["OldImage"] = as_json(old)
        return record


def product(world: World, batches: Sequence[Sequence[Record]]) -> None:
    """Carry changes by StreamProcessor and WriteCdc."""
    for batch in batches:
        world.capture(batch)
    world.apply()


def put(world: World, item: Item) -> None:
    world.dynamodb.put_item(TableName="destination", Item=item)


def delete(world: World, key: Item) -> None:
    world.dynamodb.delete_item(TableName="destination", Key=key)
