"""One keep-alive connection: a request at a time, and the outcome of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ddb_migration.aws.transport.answers import Answer, AnswerReader, BadAnswer

Outcome = Callable[[Answer | Exception], None]

_NEVER = float("inf")


class StaleConnection(ConnectionError):
    """A kept connection had been closed by the other side before the request reached it: it had no effect."""


class Connection(asyncio.BufferedProtocol):
    """Sends requests and puts answers together; `freed` and `gone` tell the pool.

    `is_usable` tells whether a request can be sent on it. What arrives first lies in `buffer`, which all connections
    of a loop share, because each empties it at once.
    """

    def __init__(
        self, buffer: memoryview, freed: Callable[[Connection], None], gone: Callable[[Connection], None]
    ) -> None:
        self.deadline = _NEVER
        self.is_usable = False
        self._buffer, self._freed, self._gone = buffer, freed, gone
        self._reader = AnswerReader()
        self._transport: asyncio.Transport | None = None
        self._then: Outcome | None = None
        self._has_answered = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport (asyncio.BaseProtocol)."""
        if isinstance(transport, asyncio.Transport):
            self._transport, self.is_usable = transport, True

    def send(self, request: bytes, deadline: float, then: Outcome) -> None:
        """Send a request; `then` gets its outcome, by the deadline (the event loop's clock) at the latest."""
        self._then, self.deadline = then, deadline
        if self._transport is not None:
            self._transport.write(request)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to put what arrives (asyncio.BufferedProtocol)."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what arrived (asyncio.BufferedProtocol)."""
        then = self._then
        if then is None:
            self.abort(BadAnswer("an answer that nobody asked for"))
            return
        try:
            answer = self._reader.feed(bytes(self._buffer[:nbytes]))
            if answer is not None:
                answer.check()
        except BadAnswer as error:
            self.abort(error)
            return
        if answer is not None:
            self._answered(answer, then)

    def eof_received(self) -> None:
        """Take note that no answer will follow; the transport closes itself (asyncio.BufferedProtocol)."""
        self.is_usable = False

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits (asyncio.BaseProtocol)."""
        self._transport, self.is_usable = None, False
        answer = self._reader.finish()
        if answer is not None and self._then is not None:
            self._tell(answer)
        elif self._then is not None:
            stale = self._has_answered and not self._reader.has_begun
            text = "the connection was closed before the answer"
            self._tell(StaleConnection(text) if stale else error or ConnectionResetError(text))
        self._gone(self)

    def abort(self, error: Exception) -> None:
        """Give the request under way up, and the connection with it."""
        self.is_usable = False
        if self._transport is not None:
            self._transport.abort()
        self._tell(error)

    def _answered(self, answer: Answer, then: Outcome) -> None:
        self._has_answered, self._then, self.deadline = True, None, _NEVER
        if answer.closes and self._transport is not None:
            self.is_usable = False
            self._transport.close()
        # Free first: what follows an answer is mostly the next request.
        self._freed(self)
        then(answer)

    def _tell(self, outcome: Answer | Exception) -> None:
        then, self._then = self._then, None
        self.deadline = _NEVER
        if then is not None:
            then(outcome)
