"""The rehearsal's own idea of when two items are equal.

Written apart from the product's code on purpose: an error there must not hide itself here. Sets and maps have
no order, numbers compare by value, binary by its bytes, and a value never equals one of another type.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from decimal import Decimal
from typing import Any

AttributeValue = Mapping[str, Any]


def canonical(item: Mapping[str, AttributeValue]) -> Hashable:
    """Return a hashable that is equal for equal items (or keys), as boto3's low-level client returns them."""
    return frozenset((name, canonical_value(value)) for name, value in item.items())


def canonical_value(value: AttributeValue) -> Hashable:
    """Return a hashable that is equal for equal attribute values.

    Raises ValueError when the value is not of exactly one of DynamoDB's ten types.
    """
    if len(value) != 1 or next(iter(value)) not in _CONTENT:
        raise ValueError(f"not an attribute value of one known type; it has the members {sorted(value)}")
    ((kind, content),) = value.items()
    return (kind, _CONTENT[kind](content))


def _binary(content: Any) -> bytes:
    # A str here would be base64 that a client already encoded, the very error that must show.
    if not isinstance(content, bytes | bytearray):
        raise ValueError(f"a binary value came as {type(content).__name__}")
    return bytes(content)


def _list(content: Any) -> tuple[Hashable, ...]:
    return tuple(canonical_value(member) for member in content)


_CONTENT: dict[str, Callable[[Any], Hashable]] = {
    "S": str,
    "N": Decimal,
    "B": _binary,
    "BOOL": bool,
    "NULL": bool,
    "SS": frozenset,
    "NS": lambda content: frozenset(Decimal(member) for member in content),
    "BS": lambda content: frozenset(_binary(member) for member in content),
    "L": _list,
    "M": canonical,
}
