"""MiniStack's ASGI application on one loopback socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

_REQUEST_ID = b"x-amzn-requestid"


def free_socket() -> socket.socket:
    """A socket bound to a free port of the loopback interface."""
    # The protocol is named because asyncio sets TCP_NODELAY only then, without which each answer waits for 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    return bound


def _with_request_id(send: Send) -> Send:
    async def send_with_request_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", []))
            if not any(name.lower() == _REQUEST_ID for name, _ in headers):
                headers.append((_REQUEST_ID, str(uuid.uuid4()).encode()))
            message = {**message, "headers": headers}
        await send(message)

    return send_with_request_id


def _application() -> Callable[[Message, Receive, Send], Awaitable[None]]:
    from ministack import app

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        # Refusals of IAM carry no request id in MiniStack; moto's tasks cannot do without one.
        await app.app(scope, receive, _with_request_id(send) if scope["type"] == "http" else send)

    return application


async def serve(bound: socket.socket, ready: Callable[[], None], stop: asyncio.Event) -> None:
    """Serve on the socket until ``stop`` is set; ``ready`` is called once requests are answered."""
    import uvicorn

    config = uvicorn.Config(
        _application(),
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    await _until_connected(bound.getsockname()[1], serving)
    ready()
    # A signal ends the server by itself.
    await asyncio.wait([serving, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving


async def _until_connected(port: int, serving: asyncio.Task[None]) -> None:
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return
