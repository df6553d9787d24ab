from __future__ import annotations

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ParamValidationError,
    ReadTimeoutError,
)

from ddb_migration.aws.errors import TRANSIENT, code, is_rejection, is_transient, persist
from ddb_migration.aws.probe import denials
from ddb_migration.core.deadline import Deadline, OutOfTime
from tests.fakes.client_errors import client_error
from tests.fakes.clock import Clock

THROTTLED = client_error("PutItem", "ThrottlingException")


@pytest.mark.parametrize(
    ("error", "rejection", "transient"),
    [
        *((client_error("PutItem", name), False, True) for name in sorted(TRANSIENT)),
        (client_error("PutItem", "ValidationException"), True, False),
        (client_error("PutItem", "ItemCollectionSizeLimitExceededException"), True, False),
        (client_error("PutItem", "SomethingNew", status=503), False, True),
        (client_error("PutItem", "AccessDeniedException"), False, False),
        (client_error("PutItem", "ResourceNotFoundException"), False, False),
        (ReadTimeoutError(endpoint_url="e"), False, True),
        (ConnectionClosedError(endpoint_url="e"), False, True),
        (ParamValidationError(report="r"), True, False),
    ],
    ids=lambda value: code(value) if isinstance(value, Exception) else str(value),
)
def test_what_passes_by_itself_and_what_never_will(error: Exception, rejection: bool, transient: bool) -> None:
    assert (is_rejection(error), is_transient(error)) == (rejection, transient)


def test_an_error_of_ours_is_neither() -> None:
    assert (is_rejection(KeyError("x")), is_transient(KeyError("x"))) == (False, False)


class Call:
    """A call that fails with each error in turn and then answers."""

    def __init__(self, *errors: ClientError | BotoCoreError) -> None:
        self._errors = list(errors)
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        if self._errors:
            raise self._errors.pop(0)
        return "answer"


def test_a_call_is_repeated_until_it_succeeds() -> None:
    clock, call = Clock(), Call(THROTTLED, ReadTimeoutError(endpoint_url="e"), THROTTLED)
    assert persist(call, Deadline.of(30, clock), clock.sleep) == "answer"
    assert call.made == 4


def test_a_lasting_failure_is_raised_at_once() -> None:
    clock, call = Clock(), Call(client_error("PutItem", "AccessDeniedException"))
    with pytest.raises(ClientError, match="AccessDenied"):
        persist(call, Deadline.of(30, clock), clock.sleep)
    assert call.made == 1


def test_no_attempt_is_made_after_the_deadline() -> None:
    clock, call = Clock(), Call(*[THROTTLED] * 1000)
    began = clock()
    attempts: list[float] = []

    def noted() -> str:
        attempts.append(clock() - began)
        return call()

    with pytest.raises(OutOfTime):
        persist(noted, Deadline.of(30, clock), clock.sleep)
    assert 1 < len(attempts) < 1000
    assert max(attempts) < 20


def test_a_probe_tells_denials_and_nothing_else() -> None:
    calls = [
        Call(),
        Call(client_error("GetItem", "AccessDeniedException", "not authorized to perform: dynamodb:GetItem")),
        Call(client_error("PutItem", "ConditionalCheckFailedException")),
        Call(client_error("SendMessage", "AccessDenied", "sqs:sendmessage")),
    ]
    told = denials(*calls)
    assert len(told) == 2
    assert "dynamodb:GetItem" in told[0]
    assert "sqs:sendmessage" in told[1]
    assert all(call.made == 1 for call in calls)
