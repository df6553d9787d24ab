"""What DynamoDB makes of attribute values: normal numbers, sizes, and what it refuses.

Limits: DynamoDB Developer Guide, "Quotas" and "Data types". Binary is bytes, as boto3's clients take and give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Any

ITEM_BYTES = 400 * 1024
_SETS = {"SS": "S", "NS": "N", "BS": "B"}
_WIDE = Context(prec=200)


class InvalidValue(Exception):
    """A value that DynamoDB refuses by a ValidationException."""


def stored(value: Mapping[str, Any]) -> dict[str, Any]:
    """The value as DynamoDB keeps and returns it."""
    if len(value) != 1:
        raise InvalidValue("Supplied AttributeValue has more than one datatypes set")
    ((kind, content),) = value.items()
    if kind in _SETS:
        members = [stored({_SETS[kind]: member})[_SETS[kind]] for member in content]
        if not members or len(set(members)) != len(members):
            raise InvalidValue("an set may not be empty, nor hold duplicates")
        return {kind: members}
    if kind == "L":
        return {kind: [stored(member) for member in content]}
    if kind == "M":
        return {kind: {name: stored(member) for name, member in content.items()}}
    return {kind: _scalar(kind, content)}


def size_of(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size of an item in bytes, as far as the limit of 400 KB is concerned."""
    return sum(len(name.encode("utf-8", "surrogatepass")) + _size(value) for name, value in item.items())


def number_text(text: str) -> str:
    """A number as DynamoDB returns it: without exponent, without zeros that say nothing."""
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise InvalidValue(f"The parameter cannot be converted to a numeric value: {text}") from error
    if len(value.normalize(_WIDE).as_tuple().digits) > 38:
        raise InvalidValue("Attempting to store more than 38 significant digits in a Number")
    return "0" if value.is_zero() else format(value.normalize(_WIDE), "f")


def _scalar(kind: str, content: Any) -> Any:
    if kind == "N":
        return number_text(content)
    if kind == "B" and isinstance(content, str):
        # boto3 takes text for a blob without a word, and sends its UTF-8 bytes.
        return content.encode("utf-8")
    if kind not in ("S", "B", "BOOL", "NULL"):
        raise InvalidValue(f"unknown type {kind}")
    return content


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind in ("S", "B"):
        return len(content if kind == "B" else content.encode("utf-8", "surrogatepass"))
    if kind == "N":
        return len(Decimal(content).as_tuple().digits) // 2 + 2
    if kind == "M":
        return 3 + sum(len(name) + 1 + _size(member) for name, member in content.items())
    if kind == "L":
        return 3 + sum(1 + _size(member) for member in content)
    if kind in _SETS:
        return sum(_size({_SETS[kind]: member}) for member in content)
    return 1
