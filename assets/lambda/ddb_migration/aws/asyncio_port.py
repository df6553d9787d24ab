"""The bulk engines' world in production: an event loop, signed connections, and threads for what blocks."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ddb_migration.aws.bulk_port import Then, Value
from ddb_migration.aws.transport.dynamodb import Calls, DynamoDb
from ddb_migration.aws.transport.endpoint import UnknownSetUp, resolve
from ddb_migration.aws.transport.through_botocore import ThroughBotocore
from ddb_migration.core.bulk_plan import CURSORS
from ddb_migration.core.flow import MOST_LANES
from ddb_migration.core.item_text import NotDynamoDbJson, Portion, Requests, Written, scan_page, written
from ddb_migration.core.place import Place

# The barrier holds for 120 s after the last permit (2 s old at most): a write ends long before that.
WRITE_SECONDS = 6.0
SCAN_SECONDS = 15.0
# As many as may download a file each, and some for what does not wait so long: looks at the record, checkpoints, keys.
THREADS = CURSORS + 8

Start = Callable[["AsyncioPort", Callable[["Exception | None"], None]], None]


@dataclass(frozen=True)
class End:
    """A table and the boto3 DynamoDB client of one attempt whose credentials, endpoint and Region reach it."""

    client: Any
    table_arn: str

    def shares(self, other: End) -> bool:
        """Tell whether the other end is behind the same endpoint: those of DynamoDB may be an account's own."""
        return self.client is other.client and Place.of(self.table_arn) == Place.of(other.table_arn)


class AsyncioPort:
    """One task's world; made inside a running event loop.

    `calls` are those to the source and to the destination; they may be the same.
    """

    def __init__(
        self,
        calls: tuple[Calls, Calls],
        threads: ThreadPoolExecutor,
        requests: Requests,
        key_names: Sequence[str],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._reads, self._writes = calls
        self._threads = threads
        self._requests, self._key_names = requests, key_names
        self._is_closed = False
        # What the event loop goes by, without its detour.
        self.clock: Callable[[], float] = time.monotonic
        self.draw: Callable[[], float] = random.random

    def at_destination(self, requests: Requests) -> AsyncioPort:
        """Return a port that reads the destination, on the same connections; closing this one closes both."""
        return AsyncioPort((self._writes, self._writes), self._threads, requests, self._key_names)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Call `act` after some seconds."""
        if seconds:
            self._loop.call_later(seconds, act)
        else:
            self._loop.call_soon(act)

    def aside(self, work: Callable[[], Value], then: Then[Value]) -> None:
        """Do blocking work in a thread."""

        def told(future: asyncio.Future[Value]) -> None:
            if self._is_closed or future.cancelled():
                return
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            then(error if error is not None else future.result())

        self._loop.run_in_executor(self._threads, work).add_done_callback(told)

    def scan(self, segment: int, total: int, start: str | None, limit: int, then: Then[Portion]) -> None:
        """Read items of a segment; one attempt."""
        body = self._requests.scan(segment, total, start, limit)
        self._reads.call("Scan", body, SCAN_SECONDS, lambda answer: then(_read(answer, scan_page)))

    def write(self, items: Sequence[bytes], then: Then[Written]) -> None:
        """Put items; one attempt."""

        def told(answer: bytes | Exception) -> None:
            then(answer if isinstance(answer, Exception) else written(answer, items, self._key_names))

        self._writes.call("BatchWriteItem", self._requests.write(items), WRITE_SECONDS, told)

    def close(self) -> None:
        """End connections and tell no outcome any more."""
        self._is_closed = True
        self._reads.close()
        if self._writes is not self._reads:
            self._writes.close()


def _read(answer: bytes | Exception, read: Callable[[bytes], Portion]) -> Portion | Exception:
    if isinstance(answer, Exception):
        return answer
    try:
        return read(answer)
    except NotDynamoDbJson as error:
        return error


def run(ends: tuple[End, End], requests: Requests, key_names: Sequence[str], start: Start) -> None:
    """Run what `start` begins until it tells that it has finished; raises the error that it tells.

    `ends` are source and destination.
    """
    threads = ThreadPoolExecutor(THREADS, "bulk")
    try:
        asyncio.run(_run(ends, requests, key_names, start, threads))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


async def _run(
    ends: tuple[End, End],
    requests: Requests,
    key_names: Sequence[str],
    start: Start,
    threads: ThreadPoolExecutor,
) -> None:
    calls = _both(*ends, threads)
    port = AsyncioPort(calls, threads, requests, key_names)
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def finished(error: Exception | None) -> None:
        if not ended.done():
            ended.set_exception(error) if error else ended.set_result(None)

    # An error in a callback would otherwise be logged, and the task would wait for ever.
    asyncio.get_running_loop().set_exception_handler(lambda _, told: finished(_error(told)))
    try:
        start(port, finished)
        await ended
    finally:
        port.close()


def _error(told: dict[str, Any]) -> Exception:
    error = told.get("exception")
    return error if isinstance(error, Exception) else RuntimeError(str(told.get("message")))


def _both(source: End, destination: End, threads: ThreadPoolExecutor) -> tuple[Calls, Calls]:
    """Return the calls to either table; one endpoint, called by one client, is one pool of connections."""
    reads = _calls(source, threads)
    return reads, reads if source.shares(destination) else _calls(destination, threads)


def _calls(end: End, threads: ThreadPoolExecutor) -> Calls:
    try:
        return DynamoDb(resolve(end.client, end.table_arn), threads, int(MOST_LANES) + 16)
    except UnknownSetUp as unknown:
        print(f"bulk load: through botocore, because the set-up has {unknown}")
        return ThroughBotocore(end.client, threads)
