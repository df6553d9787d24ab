"""A pool of connections to one host: requests wait for a free one, and each ends in time."""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections import deque
from dataclasses import dataclass

from ddb_migration.aws.transport.connection import Connection, Outcome

CONNECT_SECONDS = 2.0
# How often requests are looked through for those whose time is up.
SWEEP_SECONDS = 0.25
BUFFER_BYTES = 256 * 1024


class ConnectTimeout(ConnectionError):
    """No connection was made in time; the request was not sent."""


@dataclass(frozen=True)
class _Waiting:
    request: bytes
    deadline: float
    then: Outcome


class Pool:
    """Connections to one host and port; at most `most` of them."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, most: int) -> None:
        self._host, self._port, self._context, self._most = host, port, context, most
        self._loop = asyncio.get_running_loop()
        # What the event loop goes by, without its detour.
        self._clock = time.monotonic
        # One for all: asyncio's own would be allocated anew for each answer, and costs as much as the answer.
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._waiting: deque[_Waiting] = deque()
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def send(self, request: bytes, seconds: float, then: Outcome) -> None:
        """Send a request on a free connection, or on the next that gets free; `then` gets its outcome in time."""
        deadline = self._clock() + seconds
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                connection.send(request, deadline, then)
                return
        self._waiting.append(_Waiting(request, deadline, then))
        self._open()

    def close(self) -> None:
        """Close every connection; requests under way fail."""
        self._sweeper.cancel()
        for task in list(self._opening):
            task.cancel()
        for connection in list(self._all):
            connection.abort(ConnectionAbortedError("the pool is closed"))

    def _open(self) -> None:
        if len(self._all) + len(self._opening) < self._most and len(self._opening) < len(self._waiting):
            task = self._loop.create_task(self._connect())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _connect(self) -> None:
        make = functools.partial(Connection, self._buffer, self._freed, self._gone)
        name = self._host if self._context else None
        try:
            opening = self._loop.create_connection(
                make, self._host, self._port, ssl=self._context, server_hostname=name
            )
            _, connection = await asyncio.wait_for(opening, CONNECT_SECONDS)
        except (OSError, asyncio.TimeoutError, ssl.SSLError) as error:
            self._not_connected(error)
            return
        self._all.add(connection)
        self._freed(connection)

    def _not_connected(self, error: Exception) -> None:
        """Fail one waiting request: a host that takes no connection is the caller's to judge."""
        if self._waiting:
            self._waiting.popleft().then(ConnectTimeout(f"no connection to {self._host}:{self._port}: {error!r}"))
        self._loop.call_soon(self._open)

    def _freed(self, connection: Connection) -> None:
        if not connection.is_usable:
            return
        if self._waiting:
            waiting = self._waiting.popleft()
            connection.send(waiting.request, waiting.deadline, waiting.then)
        else:
            self._idle.append(connection)

    def _gone(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._waiting:
            self._open()

    def _sweep(self) -> None:
        now = self._clock()
        for connection in [found for found in self._all if found.deadline <= now]:
            connection.abort(TimeoutError("no answer in time"))
        while self._waiting and self._waiting[0].deadline <= now:
            self._waiting.popleft().then(ConnectTimeout(f"no free connection to {self._host}:{self._port} in time"))
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)
