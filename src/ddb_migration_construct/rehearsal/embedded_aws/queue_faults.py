"""Faults of SQS: entries of a batch that are not taken, while the others are."""

from __future__ import annotations

import json

from .faults import SEND_FAILED, Faults, caller_is_a_role
from .services import Answer, Request, answered, put_in_front


async def _with_faults(faults: Faults, request: Request) -> Answer:
    if request.action != "SendMessageBatch" or not caller_is_a_role() or not faults.strike(SEND_FAILED):
        return await request.passed_on()
    given = request.json()
    refused = {entry["Id"] for entry in faults.some(SEND_FAILED, given["Entries"])}
    failed = [
        {"Id": one, "SenderFault": False, "Code": "InternalError", "Message": "Internal error"} for one in refused
    ]
    taken = [entry for entry in given["Entries"] if entry["Id"] not in refused]
    if not taken:
        return answered({"Failed": failed})
    status, headers, body = await request.passed_on(json.dumps({**given, "Entries": taken}).encode())
    if status >= 300:
        return status, headers, body
    content = json.loads(body)
    return answered({**content, "Failed": [*content.get("Failed", []), *failed]})


def install(faults: Faults) -> None:
    """Put the faults in front of SQS."""
    if not faults.are_on:
        return

    async def answer(request: Request) -> Answer:
        return await _with_faults(faults, request)

    put_in_front("sqs", answer)
