"""A key that a person gave, checked before it may travel."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ddb_migration.core.attribute_values import Item
from ddb_migration.core.table import Keys


class NotAKey(ValueError):
    """What was given is no primary key of the table; the text shows it and how one looks."""


def require_key(given: Any, keys: Keys) -> Item:
    """Return the key, DynamoDB JSON with base64 text; `keys` is the table's key schema.

    Raises NotAKey. A key that the tables cannot hold would only be parked, and then have to be settled.
    """
    if not isinstance(given, Mapping) or set(given) != {name for name, _, _ in keys}:
        raise _not_a_key(given, keys)
    if not all(_fits(given[name], kind) for name, _, kind in keys):
        raise _not_a_key(given, keys)
    return given


def _fits(value: Any, kind: str) -> bool:
    if not isinstance(value, Mapping) or set(value) != {kind}:
        return False
    content = value[kind]
    return isinstance(content, str) and content != "" and _CHECKS[kind](content)


def _is_number(content: str) -> bool:
    try:
        return Decimal(content).is_finite()
    except InvalidOperation:
        return False


def _is_base64(content: str) -> bool:
    try:
        base64.b64decode(content, validate=True)
    except ValueError:
        return False
    return True


_CHECKS: Mapping[str, Callable[[str], bool]] = {"S": lambda content: True, "N": _is_number, "B": _is_base64}


def _not_a_key(given: Any, keys: Keys) -> NotAKey:
    example = {name: {kind: {"S": "text", "N": "1", "B": "base64"}[kind]} for name, _, kind in keys}
    return NotAKey(f"not a key of the source table: {json.dumps(given)}; its keys look like {json.dumps(example)}")
