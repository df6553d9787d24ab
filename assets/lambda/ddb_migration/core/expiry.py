"""Expiry: items that time to live may delete at any moment, in each table at another."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from ddb_migration.core.attribute_values import Item

# DynamoDB guide, "Using time to live": what lies more than five years back does not expire.
_TOO_OLD_SECONDS = 5 * 365 * 86400


def has_expired(item: Item, attribute: str | None, now: float) -> bool:
    """Tell whether an item's time has passed; `attribute` is what its table expires items by, None for nothing.

    Only a number counts, in epoch seconds.
    """
    content = item.get(attribute, {}).get("N") if attribute is not None else None
    if content is None:
        return False
    try:
        return now - _TOO_OLD_SECONDS < Decimal(content) < now
    except InvalidOperation:
        return False
