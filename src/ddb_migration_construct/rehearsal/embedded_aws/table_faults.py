"""Faults of DynamoDB's item calls: unprocessed items, throttling with its reasons, and lost answers."""

from __future__ import annotations

import json
from typing import Any

from .faults import SERVER_ERROR, THROTTLING, THROUGHPUT, UNPROCESSED, Faults, caller_is_a_role
from .services import Answer, Request, answered

_READS = frozenset({"Scan", "Query", "GetItem", "BatchGetItem"})
_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"})
# DynamoDB API Reference, ThrottlingReason.
_REASONS = {
    "Read": ("TableReadProvisionedThroughputExceeded", "TableReadKeyRangeThroughputExceeded"),
    "Write": ("TableWriteMaxOnDemandThroughputExceeded", "TableWriteKeyRangeThroughputExceeded"),
}


async def with_faults(faults: Faults, request: Request) -> Answer:
    """Answer an item call, or let it meet a fault."""
    if not faults.are_on or request.action not in _READS | _WRITES or not caller_is_a_role():
        return await request.passed_on()
    if faults.strike(THROUGHPUT):
        return _throttled(faults, THROUGHPUT, request)
    if faults.strike(THROTTLING):
        return _throttled(faults, THROTTLING, request)
    if request.action == "BatchWriteItem" and faults.strike(UNPROCESSED):
        return await _partly_processed(faults, request)
    if faults.strike(SERVER_ERROR):
        # Done all the same: whoever asks again writes twice.
        await request.passed_on()
        return _error("InternalServerError", "Internal server error", 500)
    return await request.passed_on()


def _throttled(faults: Faults, kind: str, request: Request) -> Answer:
    way = "Read" if request.action in _READS else "Write"
    given = request.json()
    table = given.get("TableName") or next(iter(given.get("RequestItems", {})), "")
    reason = faults.some(kind, _REASONS[way])[0]
    reasons = [{"reason": reason, "resource": table}]
    return _error(kind, "Throughput exceeds the current capacity.", 400, ThrottlingReasons=reasons)


def _error(code: str, message: str, status: int, **more: Any) -> Answer:
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-errortype": code}
    content = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **more}
    return status, headers, json.dumps(content).encode()


async def _partly_processed(faults: Faults, request: Request) -> Answer:
    given = request.json()
    requests = [(table, one) for table, those in given["RequestItems"].items() for one in those]
    left = faults.some(UNPROCESSED, range(len(requests)))
    taken = _by_table([one for number, one in enumerate(requests) if number not in left])
    unprocessed = _by_table([requests[number] for number in left])
    if not taken:
        return answered({"UnprocessedItems": unprocessed})
    status, headers, body = await request.passed_on(json.dumps({**given, "RequestItems": taken}).encode())
    if status >= 300:
        return status, headers, body
    content = json.loads(body)
    for table, those in content.get("UnprocessedItems", {}).items():
        unprocessed.setdefault(table, []).extend(those)
    return answered({**content, "UnprocessedItems": unprocessed})


def _by_table(requests: list[tuple[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for table, one in requests:
        found.setdefault(table, []).append(one)
    return found
