"""The migration's watermarks as anyone can read them: the newest change applied (or parked) of each key."""

from __future__ import annotations

import base64
import json
from collections.abc import Hashable
from typing import Any

from ddb_migration_construct.rehearsal.canonical import canonical


def read_watermarks(client: Any, control_table: str) -> dict[Hashable, int]:
    """Return the sequence number of the newest change settled, by canonical key.

    A row without a number (a key that the bulk load parked) counts as zero: it settles no change.
    """
    pages = client.get_paginator("scan").paginate(
        TableName=control_table,
        ConsistentRead=True,
        FilterExpression="sk = :watermark",
        ExpressionAttributeValues={":watermark": {"S": "watermark"}},
    )
    rows = [row for page in pages for row in page["Items"] if "item_key" in row]
    return {_key(row["item_key"]["S"]): _number(row) for row in rows}


def _key(written: str) -> Hashable:
    parts = json.loads(written)
    return canonical({name: {kind: base64.b64decode(value) if kind == "B" else value} for name, kind, value in parts})


def _number(row: Any) -> int:
    # A reread's watermark stands just above its change, which a plus sign after the digits says.
    return int(row["number"]["S"].rstrip("+")) if "number" in row else 0
