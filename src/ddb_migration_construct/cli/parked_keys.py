"""The parked keys of a migration, and those that an operator has accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ddb_migration_construct._runtime import names


@dataclass(frozen=True)
class ParkedKey:
    """One key that the destination rejected: its primary key as DynamoDB JSON (binary as base64), and why."""

    key: dict[str, dict[str, str]]
    reason: str


def parked_keys(dynamodb: Any, table: str, epoch: str) -> Iterator[ParkedKey]:
    """Yield what is parked in an epoch; the index trails the table by a moment."""
    return _listed(dynamodb, table, epoch)


def accepted_keys(dynamodb: Any, table: str, epoch: str) -> Iterator[ParkedKey]:
    """Yield what was parked in an epoch and has been accepted as it is."""
    return _listed(dynamodb, table, names.ACCEPTED + epoch)


def _listed(dynamodb: Any, table: str, partition: str) -> Iterator[ParkedKey]:
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        IndexName=names.PARKED_INDEX,
        KeyConditionExpression="#list = :list",
        ExpressionAttributeNames={"#list": names.PARKED_EPOCH},
        ExpressionAttributeValues={":list": {"S": partition}},
    )
    for page in pages:
        for row in page["Items"]:
            # The canonical form of a key: [[name, type, content], ...].
            key = {name: {kind: content} for name, kind, content in json.loads(row["item_key"]["S"])}
            yield ParkedKey(key, row["parked_reason"]["S"])
