"""Time to live: what MiniStack's reaper deletes, once a minute, is told on the stream as AWS tells it.

Source: Amazon DynamoDB Developer Guide, "DynamoDB Streams and Time to Live": a deletion by time to live is a stream
record whose userIdentity is the service. What differs from AWS: it comes within a minute and not within days.
"""

from __future__ import annotations

import threading
from typing import Any

from ministack.services import dynamodb

_REAPER = "dynamodb-ttl-reaper"
_IDENTITY = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}


def _tell(table_name: str, item: dict[str, Any]) -> None:
    before = len(dynamodb._stream_records.get(table_name, []))
    dynamodb._emit_stream_event(table_name, "REMOVE", item, None)
    for record in dynamodb._stream_records.get(table_name, [])[before:]:
        record["userIdentity"] = dict(_IDENTITY)


def install() -> None:
    """Let the reaper tell what it removes; it calls the same function as every other deletion."""
    original = dynamodb._remove_item

    def remove(table: dict[str, Any], partition: Any, sort: Any) -> Any:
        removed = original(table, partition, sort)
        if removed is not None and threading.current_thread().name == _REAPER:
            _tell(table["TableName"], removed)
        return removed

    dynamodb._remove_item = remove
