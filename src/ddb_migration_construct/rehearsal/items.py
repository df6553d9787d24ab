"""The rehearsal's items: any number of them, hostile, and the same again from the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from ddb_migration_construct.rehearsal.hostile_values import (
    BINARIES,
    NAMES,
    TEXTS,
    TYPES,
    AttributeValue,
    nested,
    value_of,
)
from ddb_migration_construct.rehearsal.key_shape import PARTITION_KEY, SORT_KEY, KeyShape

Item = dict[str, AttributeValue]

# An item may have 400 KB, names included (Developer Guide, "Quotas"); what the writers add must still fit.
LARGE_ITEM_BYTES = 350_000
_LARGE_EVERY = 400
_LARGE_AT_MOST = 6
_DEEP_EVERY = 25
_DEEP_LEVELS = (20, 28)
_EVERY_TYPE_EVERY = 10
_ITEMS_PER_PARTITION = 5


@dataclass(frozen=True)
class HostileItems:
    """Items by index and version: the index alone decides the key, both decide the other attributes.

    Indexes start at 0; different indexes have different keys.
    """

    seed: int
    key_shape: KeyShape

    def key(self, index: int) -> Item:
        """Return the primary key of an index."""
        if self.key_shape.sort is None:
            return {PARTITION_KEY: _key_value(self.key_shape.partition, index)}
        partition = _key_value(self.key_shape.partition, index // _ITEMS_PER_PARTITION)
        return {PARTITION_KEY: partition, SORT_KEY: _key_value(self.key_shape.sort, index)}

    def item(self, index: int, version: int = 0) -> Item:
        """Return the item of an index; another version has the same key and other attributes."""
        rng = Random(f"{self.seed}/{index}/{version}")
        if version == 0 and _is_large(index):
            return {**self.key(index), "large": _large(rng, index)}
        return {**self.key(index), **_attributes(rng, index)}


def has_attributes_called_like_types(index: int) -> bool:
    """Tell whether the items of this index may have attributes with names such as "S" or "M"."""
    return index % 4 == 3


def _attributes(rng: Random, index: int) -> Item:
    every_type = index % _EVERY_TYPE_EVERY == 0
    kinds = list(TYPES) if every_type else rng.choices(TYPES, k=rng.randrange(1, 8))
    names = rng.sample((*NAMES, *TYPES) if has_attributes_called_like_types(index) else NAMES, len(kinds))
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
