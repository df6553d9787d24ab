"""Simulated tables: items by key, and what a write tells the source's stream."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Item = dict[str, Any]
Key = tuple[Any, ...]

ITEM_KEY = (("pk", "HASH", "S"), ("sk", "RANGE", "N"))


class SimulatedTable:
    """One table, its items as boto3 sends them; `written(key, old, new)` is told of every write."""

    def __init__(self, arn: str, names: Sequence[str]) -> None:
        self.arn = arn
        self.names = tuple(names)
        self.items: dict[Key, Item] = {}
        self.written: Callable[[Key, Item | None, Item | None], None] | None = None
        self._places: dict[Key, int] = {}

    def key(self, item: Mapping[str, Any]) -> Key:
        """Return an item's key; raises KeyError where an attribute is missing."""
        return tuple([value for name in self.names for value in item[name].values()])

    def write(self, key: Key, item: Item | None) -> None:
        """Put an item, or delete the key's."""
        old = self.items.get(key)
        if item is None:
            self.items.pop(key, None)
        else:
            self.items[key] = item
        if self.written is not None:
            self.written(key, old, item)

    def place(self, key: Key) -> int:
        """Return where a key lies in the hash space of 32 bits."""
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = zlib.crc32(repr(key).encode())
        return place

    def page(self, segment: int, total: int, start: Key | None, limit: int) -> list[Key]:
        """Return the next keys of a Scan segment, in the order of the hash space."""
        low, high = segment << 32, (segment + 1) << 32
        after = (self.place(start), start) if start is not None else (-1, ())
        found = [
            (place, key)
            for key in self.items
            if low <= (place := self.place(key)) * total < high and (place, key) > after
        ]
        found.sort()
        return [key for _, key in found[:limit]]


def event_form(item: Mapping[str, Any]) -> Item:
    """Return an item as an event of Lambda carries it: binary as base64 text."""
    return {name: _event_value(value) for name, value in item.items()}


def _event_value(value: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    if kind == "B":
        return {kind: base64.b64encode(content).decode()}
    if kind == "BS":
        return {kind: [base64.b64encode(member).decode() for member in content]}
    if kind == "L":
        return {kind: [_event_value(member) for member in content]}
    if kind == "M":
        return {kind: event_form(content)}
    return {kind: content}
