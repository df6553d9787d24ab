"""What a record of a stream tells of who made the change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# DynamoDB guide, "DynamoDB Streams and Time to Live": who deletes an expired item. Lambda and the Streams API write
# the names of the two members differently.
_EXPIRY = ("Service", "dynamodb.amazonaws.com")


def is_expiry(record: Mapping[str, Any]) -> bool:
    """Tell whether DynamoDB itself made the change, because the item had expired."""
    who = record.get("userIdentity") or {}
    given = {str(name).lower(): value for name, value in who.items()}
    return (given.get("type"), given.get("principalid")) == _EXPIRY
