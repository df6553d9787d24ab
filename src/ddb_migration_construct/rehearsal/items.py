"""The rehearsal's items: any number of them, hostile, and the same again from the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, Protocol

from ddb_migration_construct.rehearsal.hostile_values import (
    BINARIES,
    NAMES,
    TEXTS,
    TYPES,
    AttributeValue,
    nested,
    value_of,
)
from ddb_migration_construct.rehearsal.key_shape import KeyShape

Item = Mapping[str, Mapping[str, Any]]

# An item may have 400 KB, names included (Developer Guide, "Quotas"); what the writers add must still fit.
LARGE_ITEM_BYTES = 350_000
_LARGE_EVERY = 400
_LARGE_AT_MOST = 6
_DEEP_EVERY = 25
_DEEP_LEVELS = (20, 28)
_EVERY_TYPE_EVERY = 10
_ITEMS_PER_PARTITION = 5


class Items(Protocol):
    """Items by index and version: the index alone decides the key, both decide the other attributes."""

    @property
    def seed(self) -> int:
        """The seed from which they come."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names that an update may give to attributes."""

    def key(self, index: int) -> Item:
        """Return the primary key of an index."""

    def item(self, index: int, version: int = 0) -> Item:
        """Return the item of an index; version 0 is in the source at the start."""

    def can_update(self, index: int) -> bool:
        """Tell whether the embedded DynamoDB can update an item of this index, which it would otherwise put."""


@dataclass(frozen=True)
class HostileItems:
    """Items that break careless code. Indexes start at 0; different indexes have different keys.

    `indexed` are types by name of the attributes that are keys of secondary indexes: half of the items have them.
    """

    seed: int
    key_shape: KeyShape
    indexed: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Hostile names, none of them a key attribute's of table or index."""
        return _without(NAMES, self._keys())

    def key(self, index: int) -> Item:
        """Return the primary key of an index."""
        shape = self.key_shape
        if shape.sort is None:
            return {shape.partition_name: _key_value(shape.partition, index)}
        partition = _key_value(shape.partition, index // _ITEMS_PER_PARTITION)
        return {shape.partition_name: partition, shape.sort_name: _key_value(shape.sort, index)}

    def item(self, index: int, version: int = 0) -> Item:
        """Return the item of an index; another version has the same key and other attributes."""
        rng = Random(f"{self.seed}/{index}/{version}")
        if version == 0 and _is_large(index):
            return {**self.key(index), "large": _large(rng, index)}
        return {**self._in_indexes(rng), **self.key(index), **_attributes(rng, index, self._keys())}

    def _keys(self) -> Mapping[str, str]:
        return {**self.key_shape.attributes(), **self.indexed}

    def _in_indexes(self, rng: Random) -> dict[str, AttributeValue]:
        # Of no draw where there are no indexes, so that a seed gives the items that it always gave.
        if not self.indexed or rng.random() < 0.5:
            return {}
        return {name: _key_value(kind, rng.randrange(1, 1000)) for name, kind in self.indexed.items()}

    def can_update(self, index: int) -> bool:
        """Tell that the items of this index have no attributes with names such as "S" or "M"."""
        # The embedded DynamoDB refuses to update an item that has an attribute called like a type.
        return not _has_attributes_called_like_types(index)


def _has_attributes_called_like_types(index: int) -> bool:
    return index % 4 == 3


def _without(names: tuple[str, ...], keys: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in keys)


def _attributes(rng: Random, index: int, keys: Mapping[str, str]) -> dict[str, AttributeValue]:
    every_type = index % _EVERY_TYPE_EVERY == 0
    kinds = list(TYPES) if every_type else rng.choices(TYPES, k=rng.randrange(1, 8))
    pool = (*NAMES, *TYPES) if _has_attributes_called_like_types(index) else NAMES
    names = rng.sample(_without(pool, keys), len(kinds))
    attributes = {name: value_of(rng, kind) for name, kind in zip(names, kinds, strict=True)}
    if index % _DEEP_EVERY == 0:
        attributes["deep"] = nested(rng, rng.randint(*_DEEP_LEVELS))
    return attributes


def _is_large(index: int) -> bool:
    return index % _LARGE_EVERY == _LARGE_EVERY - 1 and index < _LARGE_EVERY * _LARGE_AT_MOST


def _large(rng: Random, index: int) -> AttributeValue:
    # In turn: bytes that no compression shrinks, text that JSON escapes sixfold, and four-byte characters.
    turn = index // _LARGE_EVERY % 3
    if turn == 0:
        return {"B": rng.randbytes(LARGE_ITEM_BYTES)}
    return {"S": "\x01" * LARGE_ITEM_BYTES} if turn == 1 else {"S": "\U0001f600" * (LARGE_ITEM_BYTES // 4)}


def _key_value(kind: str, index: int) -> AttributeValue:
    if kind == "S":
        return {"S": f"{TEXTS[index % len(TEXTS)]}#{index}"}
    if kind == "N":
        return {"N": _key_number(index)}
    return {"B": BINARIES[index % len(BINARIES)] + index.to_bytes(4, "big")}


def _key_number(index: int) -> str:
    # The digits end in 7 and hold the index, so no two indexes give one number, whatever sign and exponent.
    digits = f"1{index:036d}7" if index % 3 == 0 else f"1{index:09d}7"
    exponent = (0, -60, 60, -5)[index % 4]
    # Written out, as DynamoDB itself writes numbers: what a key was written like is no part of it.
    sign = "-" if index % 2 else ""
    return f"{Decimal(f'{sign}{digits}E{exponent}'):f}"
