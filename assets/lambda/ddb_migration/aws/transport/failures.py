"""Failures of the transport, in botocore's classes, so that callers judge them as they judge botocore's."""

from __future__ import annotations

import email.utils
import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration.aws.transport.answers import Answer


class RepeatRequest(BotoCoreError):  # type: ignore[misc]  # botocore has no types
    """The request had no effect, and what stood in its way is mended: send it again."""

    fmt = "The request is to be sent again: {reason}"


def client_error(operation: str, answer: Answer) -> ClientError:
    """Return the error of an answer, with AWS's code, message and request id, as botocore would raise it."""
    told = _members(answer.body)
    code = str(told.get("__type") or answer.header("x-amzn-errortype") or answer.status)
    response: dict[str, Any] = {
        # Such as com.amazonaws.dynamodb.v20120810#ValidationException, or ValidationException:http://...
        "Error": {
            "Code": code.rsplit("#", 1)[-1].split(":", 1)[0],
            "Message": str(told.get("message") or told.get("Message") or ""),
        },
        "ResponseMetadata": {
            "RequestId": answer.header("x-amzn-requestid") or "",
            "HTTPStatusCode": answer.status,
            "RetryAttempts": 0,
        },
    }
    if "ThrottlingReasons" in told:
        response["ThrottlingReasons"] = told["ThrottlingReasons"]
    return ClientError(response, operation)


def clock_of(answer: Answer) -> float | None:
    """Return the server's clock in epoch seconds, None where the answer does not tell it."""
    parsed = email.utils.parsedate_tz(answer.header("date") or "")
    return float(email.utils.mktime_tz(parsed)) if parsed else None


def _members(body: bytes) -> dict[str, Any]:
    """Return the members of an error's body; proxies and load balancers answer in HTML."""
    try:
        told = json.loads(body)
    except ValueError:
        return {"message": body[:200].decode("utf-8", "replace")}
    return told if isinstance(told, dict) else {}
