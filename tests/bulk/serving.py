"""A scripted DynamoDB on a port of the loopback: each connection's requests get the answers that a test lists."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from ddb_migration.aws.transport.dynamodb import DynamoDb
from ddb_migration.aws.transport.endpoint import Endpoint
from ddb_migration.aws.transport.signing import Keys

# Instead of an answer: close without one, or let the client wait.
CLOSE, SILENCE = b"close", b"silence"
Script = Callable[[int, bytes, bytes], bytes]


def answer(body: Any, status: int = 200, **headers: str) -> bytes:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {
        "date": formatdate(usegmt=True),
        "x-amzn-RequestId": "REQUEST-1",
        "Content-Length": str(len(text)),
        "x-amz-crc32": str(zlib.crc32(text)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode() + text


def error(code: str, status: int = 400, message: str = "why", **more: Any) -> bytes:
    return answer({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **more}, status)


@dataclass
class Server:
    """What a running server has seen; `script` is asked with the request's number, head and body."""

    script: Script
    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.heads.append(head)
                told = self.script(len(self.heads), head, body)
                if told == CLOSE:
                    break
                if told == SILENCE:
                    await asyncio.sleep(30)
                writer.write(told)
                await writer.drain()
                if b"connection: close" in told.lower():
                    break
        writer.close()


@contextlib.asynccontextmanager
async def serving(script: Script | Sequence[bytes], **tls: Any) -> AsyncIterator[Server]:
    def listed(number: int, head: bytes, body: bytes) -> bytes:
        assert not callable(script)
        return script[min(number, len(script)) - 1]

    server = Server(script if callable(script) else listed)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=2**24, **tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


class Dynamo:
    """The transport against a server, with awaitable calls."""

    def __init__(self, server: Server, threads: ThreadPoolExecutor, keys: Callable[[], Keys], scheme: str) -> None:
        self.endpoint = Endpoint(f"{scheme}://localhost:{server.port}", "eu-west-1", keys, False)
        self.calls = DynamoDb(self.endpoint, threads, 8)

    async def call(self, body: bytes = b"{}", seconds: float = 5.0) -> bytes:
        future: asyncio.Future[bytes | Exception] = asyncio.get_running_loop().create_future()
        self.calls.call("Scan", body, seconds, future.set_result)
        outcome = await future
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@contextlib.asynccontextmanager
async def dynamo(
    server: Server, keys: Callable[[], Keys] = lambda: Keys("a", "b"), scheme: str = "http"
) -> AsyncIterator[Dynamo]:
    with ThreadPoolExecutor(1) as threads:
        made = Dynamo(server, threads, keys, scheme)
        try:
            yield made
        finally:
            made.calls.close()
