"""Calls to DynamoDB with ready-made bodies: one attempt each, whose outcome is the answer's body or an error."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Protocol

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from ddb_migration.aws.transport.answers import Answer, BadAnswer
from ddb_migration.aws.transport.connection import StaleConnection
from ddb_migration.aws.transport.endpoint import Endpoint
from ddb_migration.aws.transport.failures import RepeatRequest, client_error, clock_of
from ddb_migration.aws.transport.pool import ConnectTimeout, Pool
from ddb_migration.aws.transport.signing import Keys, Signer

Then = Callable[[bytes | Exception], None]

# Of errors that a wrong clock causes (SigV4 allows five minutes), and of keys that have come to their end.
_CLOCK = frozenset({"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch"})
_KEYS = frozenset({"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException"})
# A clock that is wrong by less is not what makes a signature wrong.
_SKEW_SECONDS = 60.0
# botocore renews credentials from fifteen minutes before their end; asking is free until then.
RENEW_SECONDS = 60.0


class Calls(Protocol):
    """Sends one request to DynamoDB; outcomes come in the event loop's thread."""

    def call(self, operation: str, body: bytes, seconds: float, then: Then) -> None:
        """Send a body; `then` gets the answer's body or an error of botocore's classes, in about `seconds`."""

    def close(self) -> None:
        """End all connections."""


class DynamoDb:
    """Signed calls over a pool of connections; to be made and used in a running event loop."""

    def __init__(self, endpoint: Endpoint, executor: Executor, most: int) -> None:
        self._endpoint, self._executor = endpoint, executor
        self._loop = asyncio.get_running_loop()
        self._signer = Signer(endpoint.host_header, endpoint.region, endpoint.keys())
        self._pool = Pool(endpoint.host, endpoint.port, endpoint.tls(), most)
        self._is_closed = False
        self._renewal = self._loop.call_later(RENEW_SECONDS, self._renew)

    def call(self, operation: str, body: bytes, seconds: float, then: Then) -> None:
        """Send a body; see `Calls`."""
        request = self._signer.head(operation, body) + body
        told = functools.partial(self._told, operation, (self._signer.keys, self._signer.skew), then)
        self._pool.send(request, seconds, told)

    def close(self) -> None:
        """End all connections."""
        self._is_closed = True
        self._renewal.cancel()
        self._pool.close()

    def _told(self, operation: str, signed: tuple[Keys, float], then: Then, outcome: Answer | Exception) -> None:
        if isinstance(outcome, Exception):
            then(_lost(outcome, self._endpoint.url))
        elif outcome.status == 200:
            then(outcome.body)
        else:
            self._refused(client_error(operation, outcome), outcome, signed, then)

    def _refused(self, error: ClientError, answer: Answer, signed: tuple[Keys, float], then: Then) -> None:
        (keys, skew), code = signed, error.response["Error"]["Code"]
        if code in _CLOCK and self._set_clock(answer, skew):
            then(RepeatRequest(reason=f"the clock was wrong by {self._signer.skew:.0f} s"))
        elif code in _KEYS:
            self._renewed(keys, functools.partial(_after_renewal, error, then))
        else:
            then(error)

    def _set_clock(self, answer: Answer, signed_with: float) -> bool:
        """Follow the server's clock; False when it is not the reason why the signature is refused.

        Requests under way side by side are refused together: all but the first find the clock set already.
        """
        server = clock_of(answer)
        if server is None:
            return False
        skew = server - self._signer.clock()
        was_wrong = abs(skew - signed_with) > _SKEW_SECONDS
        self._signer.skew = skew if was_wrong else self._signer.skew
        return was_wrong

    def _renew(self) -> None:
        """Ask botocore for the keys now and then; it renews them when they come to their end."""
        self._renewed(self._signer.keys, lambda _: None)
        self._renewal = self._loop.call_later(RENEW_SECONDS, self._renew)

    def _renewed(self, used: object, then: Callable[[bool | Exception], None]) -> None:
        """Take the keys anew, which may block; tell whether they are others than those used."""

        def taken(future: asyncio.Future[Any]) -> None:
            if self._is_closed or future.cancelled():
                return
            failure = future.exception()
            if failure is not None:
                then(failure if isinstance(failure, Exception) else RuntimeError(str(failure)))
                return
            if future.result() != self._signer.keys:
                self._signer.use(future.result())
            then(self._signer.keys != used)

        self._loop.run_in_executor(self._executor, self._endpoint.keys).add_done_callback(taken)


def _after_renewal(error: ClientError, then: Then, renewed: bool | Exception) -> None:
    if isinstance(renewed, Exception):
        then(renewed)
    else:
        then(RepeatRequest(reason="the credentials were renewed") if renewed else error)


def _lost(error: Exception, url: str) -> BotoCoreError:
    """Return botocore's error for a request that got no answer."""
    if isinstance(error, StaleConnection):
        return RepeatRequest(reason="the connection had been closed")
    if isinstance(error, ConnectTimeout):
        return EndpointConnectionError(endpoint_url=url, error=error)
    if isinstance(error, TimeoutError):
        return ReadTimeoutError(endpoint_url=url, error=error)
    if isinstance(error, BadAnswer):
        return DamagedAnswer(reason=str(error))
    return ConnectionClosedError(endpoint_url=url, error=error)


class DamagedAnswer(BotoCoreError):  # type: ignore[misc]  # botocore has no types
    """An answer arrived that is no HTTP, or whose body is not what DynamoDB sent."""

    fmt = "DynamoDB's answer was damaged on its way: {reason}"
