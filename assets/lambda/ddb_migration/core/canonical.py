"""When two items are equal: one canonical form, digests of it, and the names of the attributes that differ.

Sets and maps have no order, numbers compare by value, binary by its bytes, and a value never equals one of another
type. Items are DynamoDB JSON with binary as base64 text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from ddb_migration.core.attribute_values import AttributeValue, Item
from ddb_migration.core.item_key import canonical_number

# 128 bits: among 10^12 items the odds that any two of them share a digest are below 10^-14.
DIGEST_BYTES = 16


class NotAnAttributeValue(ValueError):
    """What should be an attribute value is none of one of DynamoDB's ten types."""


def canonical_value(value: AttributeValue) -> Any:
    """Return the canonical form of an attribute value: DynamoDB JSON again, which `json.dumps` takes."""
    if len(value) != 1:
        raise NotAnAttributeValue(f"not one type but {len(value)}: {sorted(value)}")
    ((kind, content),) = value.items()
    form = _FORMS.get(kind)
    if form is None:
        raise NotAnAttributeValue(f"not a type of DynamoDB: {kind!r}")
    return {kind: form(content)}


def canonical_text(item: Item) -> bytes:
    """Return the text of an item without its outer braces; equal items, and only they, have the same."""
    form = {name: canonical_value(value) for name, value in item.items()}
    return json.dumps(form, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode("ascii")[1:-1]


def digest_of_text(text: bytes) -> bytes:
    """Return the digest of an item's text, however it is spelled.

    The text tells the whole item, its key too, so equal digests mean equal items. Different ones mean different items
    only if both texts are canonical.
    """
    return hashlib.sha256(text).digest()[:DIGEST_BYTES]


def digest(item: Item | None) -> bytes | None:
    """Return the digest of an item's canonical text, None for no item."""
    return None if item is None else digest_of_text(canonical_text(item))


def differing_attributes(one: Item, other: Item) -> tuple[str, ...]:
    """Return the names of the attributes that only one of two items has, or that differ; sorted."""
    return tuple(sorted(name for name in {*one, *other} if not _is_same(one.get(name), other.get(name))))


def _is_same(one: AttributeValue | None, other: AttributeValue | None) -> bool:
    if one is None or other is None:
        return False
    # The text and not the form: in Python True is 1.
    return json.dumps(canonical_value(one), sort_keys=True) == json.dumps(canonical_value(other), sort_keys=True)


def _binary(content: str) -> str:
    return base64.b64encode(base64.b64decode(content, validate=True)).decode("ascii")


def _map(content: Mapping[str, AttributeValue]) -> dict[str, Any]:
    return {name: canonical_value(member) for name, member in content.items()}


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "S": lambda content: content,
    "N": canonical_number,
    "B": _binary,
    "BOOL": lambda content: content,
    "NULL": lambda content: content,
    "SS": sorted,
    "NS": lambda content: sorted(map(canonical_number, content)),
    "BS": lambda content: sorted(map(_binary, content)),
    "L": lambda content: list(map(canonical_value, content)),
    "M": _map,
}
