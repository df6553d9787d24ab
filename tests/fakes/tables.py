"""One table of the fake DynamoDB: its items by key, and what it refuses."""

from __future__ import annotations

import copy
import datetime
import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.fakes.values import ITEM_BYTES, InvalidValue, size_of, stored

Item = dict[str, dict[str, Any]]
Key = tuple[tuple[str, Any], ...]
REGION_AND_ACCOUNT = "us-east-1:123456789012"


class FakeTable:
    """Items in the order of a Scan, and the table's description."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.name = request["TableName"]
        self.arn = f"arn:aws:dynamodb:{REGION_AND_ACCOUNT}:table/{self.name}"
        self.key_names = [row["AttributeName"] for row in sorted(request["KeySchema"], key=lambda row: row["KeyType"])]
        self.types = {row["AttributeName"]: row["AttributeType"] for row in request["AttributeDefinitions"]}
        self.indexes = {
            index["IndexName"]: [row["AttributeName"] for row in index["KeySchema"]]
            for index in request.get("GlobalSecondaryIndexes", [])
        }
        self.items: dict[Key, Item] = {}
        self.recovery_since: datetime.datetime | None = None
        self.expires_by: str | None = None
        self.description: dict[str, Any] = {
            **copy.deepcopy(dict(request)),
            "TableArn": self.arn,
            "TableStatus": "ACTIVE",
            "BillingModeSummary": {"BillingMode": request.get("BillingMode", "PROVISIONED")},
            "TableSizeBytes": 0,
            "ItemCount": 0,
        }
        self._streams = 0
        if request.get("StreamSpecification", {}).get("StreamEnabled"):
            self.switch_stream(request["StreamSpecification"])

    def switch_stream(self, specification: Mapping[str, Any]) -> None:
        """Switch the stream on or off; each time it comes on it has a new ARN."""
        self.description["StreamSpecification"] = dict(specification)
        if specification["StreamEnabled"]:
            self._streams += 1
            self.description["LatestStreamArn"] = f"{self.arn}/stream/2026-01-0{self._streams}T00:00:00.000"
        else:
            del self.description["StreamSpecification"]

    def key(self, given: Mapping[str, Any], exactly: bool = True) -> Key:
        """The identity of an item; raises InvalidValue where it is no key of this table."""
        if exactly and set(given) != set(self.key_names):
            raise InvalidValue("The provided key element does not match the schema")
        return tuple(self._key_value(name, given.get(name)) for name in self.key_names)

    def get(self, key: Mapping[str, Any]) -> Item | None:
        return copy.deepcopy(self.items.get(self.key(key)))

    def put(self, item: Mapping[str, Any]) -> None:
        """Put an item; raises InvalidValue when DynamoDB would refuse it."""
        kept = {name: stored(value) for name, value in item.items()}
        key = self.key(kept, exactly=False)
        if size_of(kept) > ITEM_BYTES:
            raise InvalidValue("Item size has exceeded the maximum allowed size")
        for names in self.indexes.values():
            for name in names:
                if name in kept and set(kept[name]) != {self.types[name]}:
                    raise InvalidValue(f"Type mismatch for Index Key {name}")
        self.items[key] = kept

    def ordered(self) -> list[tuple[Key, Item]]:
        """All items in the order of a Scan, which is that of a hash."""
        return sorted(self.items.items(), key=lambda entry: position(entry[0]))

    def _key_value(self, name: str, value: Any) -> tuple[str, Any]:
        kind = self.types[name]
        if value is None or set(value) != {kind}:
            raise InvalidValue(f"The provided key element does not match the schema: {name}")
        content = stored(value)[kind]
        if content in ("", b""):
            raise InvalidValue(f"The AttributeValue for a key attribute cannot contain an empty value: {name}")
        return kind, Decimal(content) if kind == "N" else content


def position(key: Key) -> int:
    """Where a key lies in the order of a Scan."""
    return int.from_bytes(hashlib.sha256(repr(key).encode("utf-8", "surrogatepass")).digest()[:8], "big")
