"""The errors of simulated services, as botocore raises them."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError


class Stuck(Exception):
    """The migration came to no end although nothing disturbed it any more."""


def refused(code: str, message: str, operation: str, status: int = 400, **more: Any) -> ClientError:
    """Return the error of a service that answered."""
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, operation)


def no_answer() -> ReadTimeoutError:
    """Return the error of a client that waited in vain."""
    return ReadTimeoutError(endpoint_url="the service")
