"""Which of AWS's errors pass by themselves, and which are about one item for ever."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, ParamValidationError

from ddb_migration.core.backoff import backoff_seconds
from ddb_migration.core.deadline import Deadline, OutOfTime

Result = TypeVar("Result")

# DynamoDB API, common errors: these are about the item that is written, and repeating the write changes nothing.
REJECTIONS = frozenset({"ValidationException", "ItemCollectionSizeLimitExceededException"})
# A request too large for the wire; DynamoDB answers 413 before it looks at the items.
TOO_LARGE = frozenset({"RequestEntityTooLargeException", "413", "SerializationException"})
TRANSIENT = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "InternalServerError",
        "ServiceUnavailable",
        "TransactionConflictException",
        "ReplicatedWriteConflictException",
        "LimitExceededException",
    }
)


def code(error: Exception) -> str:
    """Return the service's error code, or the exception's name where no service answered."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__


def is_rejection(error: Exception) -> bool:
    """Tell whether the destination rejects this very item, now and later."""
    return code(error) in REJECTIONS or isinstance(error, ParamValidationError)


def is_transient(error: Exception) -> bool:
    """Tell whether the same call may succeed in a moment: throttling, server faults, a broken connection."""
    if isinstance(error, ClientError):
        return code(error) in TRANSIENT or error.response["ResponseMetadata"].get("HTTPStatusCode", 0) >= 500
    return isinstance(error, BotoCoreError) and not isinstance(error, ParamValidationError)


def is_unanswered(error: Exception) -> bool:
    """Tell whether a request was sent and nobody knows what became of it: it may still take effect.

    botocore raises HTTPClientError once a connection stands, and ConnectionError while there is none.
    """
    return isinstance(error, HTTPClientError)


def is_refused_for_now(error: Exception) -> bool:
    """Tell whether the same call may succeed in a moment, and this one has certainly ended."""
    return is_transient(error) and not is_unanswered(error)


def ignore(error: Exception) -> None:
    """Do nothing about an error that is about to pass."""


def best_effort(call: Callable[[], object], what: str) -> None:
    """Make a call whose work may be left undone when AWS cannot do it now; any other failure is raised."""
    try:
        call()
    except (ClientError, BotoCoreError) as error:
        if not is_transient(error):
            raise
        print(f"{what} is left undone: {code(error)}")


def persist(
    call: Callable[[], Result],
    deadline: Deadline,
    sleep: Callable[[float], object] = time.sleep,
    repeats: Callable[[Exception], bool] = is_transient,
    noticed: Callable[[Exception], object] = ignore,
) -> Result:
    """Repeat a call while its failure is one that `repeats` names and the deadline has not passed.

    `noticed` is told of each failure that is repeated.

    Raises OutOfTime at the deadline, from the last failure, and the call's own error where it is not repeated.
    """
    attempt = 0
    last: Exception | None = None
    while True:
        try:
            deadline.require()
        except OutOfTime as end:
            raise end from last
        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            if not repeats(error):
                raise
            noticed(error)
            last = error
        sleep(backoff_seconds(attempt, random.random()))  # noqa: S311  jitter needs no secrecy
        attempt += 1
