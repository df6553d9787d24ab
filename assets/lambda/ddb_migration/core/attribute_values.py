"""DynamoDB JSON: the shape in which attribute values travel from end to end.

An attribute value is `{type: value}`. Numbers stay the text that DynamoDB sent. Binary is the one type that
differs by carrier: events, queue bodies and exports hold base64 text, boto3 wants (and gives) bytes, and would
encode base64 text a second time without an error. It is decoded exactly once, by `with_bytes`, where a client
encodes again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

AttributeValue = Mapping[str, Any]
Item = Mapping[str, AttributeValue]


def with_bytes(item: Item) -> dict[str, dict[str, Any]]:
    """Return the item with binary as bytes, as boto3's low-level client takes it.

    Raises ValueError when a binary value is not valid base64.
    """
    return {name: _mapped(value, _decoded) for name, value in item.items()}


def with_base64(item: Item) -> dict[str, dict[str, Any]]:
    """Return the item with binary as base64 text, as events, queue bodies and exports carry it."""
    return {name: _mapped(value, _encoded) for name, value in item.items()}


def _mapped(value: AttributeValue, binary: Callable[[Any], Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    if kind == "B":
        return {kind: binary(content)}
    if kind == "BS":
        return {kind: [binary(member) for member in content]}
    if kind == "M":
        return {kind: {name: _mapped(member, binary) for name, member in content.items()}}
    if kind == "L":
        return {kind: [_mapped(member, binary) for member in content]}
    return {kind: content}


def _decoded(content: str) -> bytes:
    return base64.b64decode(content, validate=True)


def _encoded(content: bytes | bytearray) -> str:
    return base64.b64encode(content).decode("ascii")
