"""Items of both tables, read consistently by key."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from ddb_migration.core.allowance import Allowance
from ddb_migration.core.attribute_values import Item, with_base64, with_bytes
from ddb_migration.core.backoff import backoff_seconds
from ddb_migration.core.canonical import digest
from ddb_migration.core.item_key import canonical_key, key_of

# DynamoDB API, BatchGetItem: at most 100 keys, none of them twice.
MOST_KEYS = 100
# What the items of one call may come to, in read units of 4 KB: in Python a document takes forty times what DynamoDB
# counts, both tables' items are there at once, and CutOver makes eight calls side by side.
MOST_UNITS = 100.0
# Until items were seen, so few are asked for, and then no more than ten times as many as were seen.
FIRST_KEYS, GROWTH = 4, 10
_ATTEMPTS = 20

Found = dict[str, dict[str, Any]]
Pair = tuple["Item | None", "Item | None"]


class NotRead(Exception):
    """DynamoDB did not return all the items asked for, however often."""


class BothSides:
    """The same keys of source and destination; `units` counts the read units by table.

    `read_units_per_second` bounds what is read of the source, all calls of this object together. `destination_client`
    is the destination's, where that is called otherwise than the source.
    """

    def __init__(
        self,
        client: Any,
        source: str,
        destination: str,
        read_units_per_second: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        destination_client: Any = None,
    ) -> None:
        self._client, self._destination_client = client, destination_client or client
        self._source, self._destination = source, destination
        self._allowance = Allowance(read_units_per_second)
        self._clock, self._sleep = clock, sleep
        self.units: Counter[str] = Counter()
        self._keys: Counter[str] = Counter()

    @property
    def most_keys(self) -> int:
        """Return how many keys one call should ask for now: about a second of the rate, and what memory can hold."""
        units = min(MOST_UNITS, self._allowance.rate or MOST_UNITS)
        seen = min(self._keys[table] for table in (self._source, self._destination))
        each = max((self.units[table] / count for table, count in self._keys.items()), default=1.0)
        return max(1, min(MOST_KEYS, FIRST_KEYS + GROWTH * seen, int(units / max(1.0, each))))

    def wait(self) -> float:
        """Return the seconds until the source may be read again."""
        return self._allowance.wait(self._clock())

    def pairs(self, keys: Mapping[str, Item]) -> Iterator[tuple[str, Pair]]:
        """Yield (canonical key, items), given keys by their canonical text; None where a side has no item.

        The items are DynamoDB JSON with base64 text; of equal ones, as DynamoDB spells them, only the source's is
        made so and stands for both. At most `MOST_KEYS`.
        """
        source, destination = self.read(self._source, keys), self.read(self._destination, keys)
        for text in keys:
            yield text, _pair(source.get(text), destination.get(text))

    def compared(self, keys: Mapping[str, Item]) -> Iterator[tuple[str, bool]]:
        """Yield (canonical key, whether its items are equal) as they are read."""
        for chunk in chunks(keys, lambda: self.most_keys):
            yield from ((text, digest(one) == digest(other)) for text, (one, other) in self.pairs(chunk))

    def agreeing(self, keys: Mapping[str, Item]) -> set[str]:
        """Return those of the keys, by their canonical text, whose items are equal."""
        return {text for text, agrees in self.compared(keys) if agrees}

    def read(self, table: str, keys: Mapping[str, Item]) -> Found:
        """Return a table's items by canonical key, binary as bytes; another table is called as the source is.

        Raises NotRead when DynamoDB leaves some out again and again.
        """
        names = tuple(next(iter(keys.values()), {}))
        left: Sequence[Any] = [with_bytes(key) for key in keys.values()]
        found: Found = {}
        for attempt in range(_ATTEMPTS):
            if not left:
                return found
            items, left = self._some(table, left)
            found.update((canonical_key(with_base64(key_of(item, names))), item) for item in items)
            if left:
                self._sleep(backoff_seconds(attempt))
        raise NotRead(f"DynamoDB leaves {len(left)} of {len(keys)} items unread, again and again")

    def _some(self, table: str, keys: Sequence[Any]) -> tuple[list[dict[str, Any]], Sequence[Any]]:
        is_paced = table == self._source
        self._sleep(self.wait() if is_paced else 0.0)
        # Every other table, the control table among them, lies where the source does.
        client = self._destination_client if table == self._destination else self._client
        answer = client.batch_get_item(
            RequestItems={table: {"Keys": list(keys), "ConsistentRead": True}}, ReturnConsumedCapacity="TOTAL"
        )
        units = sum(row["CapacityUnits"] for row in answer.get("ConsumedCapacity", []))
        self.units[table] += units
        if is_paced:
            self._allowance.settle(0.0, units, self._clock())
        (items,) = answer["Responses"].values() or ([],)
        ((left),) = [rest["Keys"] for rest in answer.get("UnprocessedKeys", {}).values()] or ([],)
        self._keys[table] += len(keys) - len(left)
        return items, left


def chunks(keys: Mapping[str, Item], most: Callable[[], int]) -> Iterator[dict[str, Item]]:
    """Part keys into as many as one call may ask for; `most` tells it of each call anew."""
    left = iter(keys.items())
    while chunk := dict(islice(left, most())):
        yield chunk


def _pair(source: Item | None, destination: Item | None) -> Pair:
    if source is not None and source == destination:
        told = with_base64(source)
        return told, told
    return _told(source), _told(destination)


def _told(item: Item | None) -> Item | None:
    return None if item is None else with_base64(item)
