"""The answer of a custom resource to CloudFormation."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

# CloudFormation takes an answer of 4 KB in all.
REASON_CHARACTERS = 2000


def answer(event: Mapping[str, Any], act: Callable[[], None], physical_id: str) -> None:
    """Run `act` and tell CloudFormation how it ended; an error's text becomes the reason of the failure.

    CloudFormation waits an hour for an answer, so every failure has to be told.
    """
    try:
        act()
    except Exception as error:  # noqa: BLE001  CloudFormation must be told of every failure
        print(f"{event['RequestType']} failed: {type(error).__name__}: {error}")
        _send(event, physical_id, "FAILED", f"{error}"[:REASON_CHARACTERS])
        return
    _send(event, physical_id, "SUCCESS", "")


def _send(event: Mapping[str, Any], physical_id: str, status: str, reason: str) -> None:
    body = {
        "Status": status,
        "Reason": reason or "done",
        "PhysicalResourceId": event.get("PhysicalResourceId") or physical_id,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    data = json.dumps(body).encode("utf-8")
    # The URL is the one that CloudFormation signed for this answer.
    request = urllib.request.Request(event["ResponseURL"], data, {"Content-Type": ""}, method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        return
