"""The calls of a bulk task, made with a client like boto3's where the product sends ready-made text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ddb_migration.core.attribute_values import with_base64, with_bytes
from ddb_migration.core.item_text import Portion, Written, line_text, parsed, written


def scan(client: Any, table: str, start: str | None, **request: Any) -> Portion:
    key = {"ExclusiveStartKey": with_bytes(json.loads(start))} if start else {}
    page = client.scan(TableName=table, **request, **key)
    items = [line_text(json.dumps({"Item": with_base64(item)}, ensure_ascii=False).encode()) for item in page["Items"]]
    last = page.get("LastEvaluatedKey")
    return Portion(items, json.dumps(with_base64(last)) if last else None, page["ConsumedCapacity"]["CapacityUnits"])


def write(client: Any, table: str, items: Sequence[bytes], key_names: Sequence[str]) -> Written:
    puts = [{"PutRequest": {"Item": with_bytes(parsed(item))}} for item in items]
    left = client.batch_write_item(RequestItems={table: puts})["UnprocessedItems"]
    told = {name: [_as_text(put) for put in puts] for name, puts in left.items()}
    return written(json.dumps({"UnprocessedItems": told}).encode(), items, key_names)


def _as_text(put: dict[str, Any]) -> dict[str, Any]:
    return {"PutRequest": {"Item": with_base64(put["PutRequest"]["Item"])}}
