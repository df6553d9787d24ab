"""The independent comparison: every item of both tables, read afresh, told apart by key."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ddb_migration_construct.rehearsal.canonical import canonical, canonical_value

Item = Mapping[str, Mapping[str, Any]]

SHOWN_DIFFERENCES = 5
_SEGMENTS = 2


@dataclass(frozen=True)
class Difference:
    """One key that is not equal in both tables: what kind of difference, and in which attributes.

    The key shows as the start of its hash: reports hold attribute names but no item data.
    """

    kind: str
    key_hash: str
    attributes: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """How many items each table holds, and how many keys the destination lacks, has too many or otherwise."""

    source_items: int
    destination_items: int
    missing: int = 0
    extra: int = 0
    different: int = 0
    differences: tuple[Difference, ...] = field(default=())

    @property
    def unequal(self) -> int:
        """How many keys are not equal in both tables."""
        return self.missing + self.extra + self.different

    @property
    def equal(self) -> bool:
        """Tell whether both tables hold the same items."""
        return self.unequal == 0


def compare_tables(client: Any, source: str, destination: str, key_names: Iterable[str]) -> Comparison:
    """Read both tables whole and consistently, and compare them; nothing may write to either meanwhile."""
    names = tuple(key_names)
    return compare_items(items_by_key(client, source, names), items_by_key(client, destination, names), names)


def compare_items(
    source: Mapping[Hashable, Item], destination: Mapping[Hashable, Item], key_names: Iterable[str]
) -> Comparison:
    """Compare items that are indexed by their canonical key."""
    names = tuple(key_names)
    missing = [key for key in source if key not in destination]
    extra = [key for key in destination if key not in source]
    different = [key for key in source if key in destination and canonical(source[key]) != canonical(destination[key])]
    shown = [_difference("missing", source[key], {}, names) for key in missing[:SHOWN_DIFFERENCES]]
    shown += [_difference("extra", {}, destination[key], names) for key in extra[:SHOWN_DIFFERENCES]]
    shown += [_difference("different", source[key], destination[key], names) for key in different]
    return Comparison(
        len(source),
        len(destination),
        len(missing),
        len(extra),
        len(different),
        tuple(shown[:SHOWN_DIFFERENCES]),
    )


def index_by_key(items: Iterable[Item], key_names: Iterable[str]) -> dict[Hashable, Item]:
    """Return the items by canonical key.

    Raises ValueError when two items have one key: then the table was not read consistently.
    """
    names = tuple(key_names)
    by_key: dict[Hashable, Item] = {}
    for item in items:
        key = canonical({name: item[name] for name in names})
        if key in by_key:
            raise ValueError("a table returned two items with one key; the comparison cannot be trusted")
        by_key[key] = item
    return by_key


def items_by_key(client: Any, table: str, key_names: Iterable[str]) -> dict[Hashable, Item]:
    """Read a table whole and consistently; nothing may write to it meanwhile."""
    with ThreadPoolExecutor(_SEGMENTS) as pool:
        segments = pool.map(lambda segment: _scan(client, table, segment), range(_SEGMENTS))
        return index_by_key((item for items in segments for item in items), key_names)


def _scan(client: Any, table: str, segment: int) -> list[Item]:
    pages = client.get_paginator("scan").paginate(
        TableName=table, ConsistentRead=True, Segment=segment, TotalSegments=_SEGMENTS
    )
    return [item for page in pages for item in page["Items"]]


def _difference(kind: str, source: Item, destination: Item, key_names: tuple[str, ...]) -> Difference:
    present = source or destination
    digest = hashlib.sha256("\n".join(repr(canonical_value(present[name])) for name in key_names).encode("utf-8"))
    return Difference(kind, digest.hexdigest()[:12], _differing_attributes(source, destination))


def _differing_attributes(source: Item, destination: Item) -> tuple[str, ...]:
    if not source or not destination:
        return ()
    names = sorted(source.keys() | destination.keys())
    return tuple(name for name in names if _value(source, name) != _value(destination, name))


def _value(item: Item, name: str) -> Hashable:
    return canonical_value(item[name]) if name in item else None
