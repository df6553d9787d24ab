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


@dataclass(frozen=True)
class AcceptedKey(ParkedKey):
    """A key that was parked for `reason`, and by whom, when (epoch seconds) and why it was accepted as it is."""

    accepted_by: str
    accepted_at: float
    accepted_reason: str


def parked_keys(dynamodb: Any, table: str, epoch: str) -> Iterator[ParkedKey]:
    """Yield what is parked in an epoch; the index trails the table by a moment."""
    for row in _listed(dynamodb, table, epoch):
        yield ParkedKey(_key(row), row["parked_reason"]["S"])


def accepted_keys(dynamodb: Any, table: str, epoch: str) -> Iterator[AcceptedKey]:
    """Yield what was parked in an epoch and has been accepted as it is."""
    for row in _listed(dynamodb, table, names.ACCEPTED + epoch):
        why = row["parked_reason"]["S"], row["accepted_by"]["S"]
        yield AcceptedKey(_key(row), *why, float(row["accepted_at"]["N"]), row["accepted_reason"]["S"])


def _key(row: dict[str, Any]) -> dict[str, dict[str, str]]:
    # The canonical form of a key: [[name, type, content], ...].
    return {name: {kind: content} for name, kind, content in json.loads(row["item_key"]["S"])}


def _listed(dynamodb: Any, table: str, partition: str) -> Iterator[dict[str, Any]]:
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        IndexName=names.PARKED_INDEX,
        KeyConditionExpression="#list = :list",
        ExpressionAttributeNames={"#list": names.PARKED_EPOCH},
        ExpressionAttributeValues={":list": {"S": partition}},
    )
    for page in pages:
        yield from page["Items"]
