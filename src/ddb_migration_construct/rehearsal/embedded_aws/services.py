"""The seam at which a service's requests pass through an adapter before MiniStack answers them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ministack import app

Answer = tuple[int, dict[str, str], Any]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]


class ServiceError(Exception):
    """An error that the caller's SDK sees with its code, as AWS sends it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Request:
    """One request to a service, with the handler that MiniStack would have used."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, Any]
    forward: Handler

    @property
    def action(self) -> str:
        """The operation named in the target header of the JSON protocols, or an empty text."""
        return self.headers.get("x-amz-target", "").rsplit(".", 1)[-1]

    def json(self) -> dict[str, Any]:
        """The body as JSON; an empty body is an empty object."""
        parsed = json.loads(self.body) if self.body else {}
        return parsed if isinstance(parsed, dict) else {}

    async def passed_on(self, body: bytes | None = None) -> Answer:
        """MiniStack's own answer to this request, or to it with another body."""
        given = self.body if body is None else body
        return await self.forward(self.method, self.path, self.headers, given, self.query)

    async def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Call another operation of the same JSON-protocol service; an error answer is raised."""
        prefix = self.headers["x-amz-target"].rsplit(".", 1)[0]
        headers = {**self.headers, "x-amz-target": f"{prefix}.{action}"}
        status, _, body = await self.forward("POST", "/", headers, json.dumps(parameters).encode(), {})
        answer: dict[str, Any] = json.loads(body)
        if status >= 400:
            code = str(answer.get("__type", "InternalError")).rsplit("#", 1)[-1]
            raise ServiceError(code, str(answer.get("message", answer.get("Message", ""))), status)
        return answer


Adapter = Callable[[Request], Awaitable[Answer]]


def answered(content: Any, status: int = 200) -> Answer:
    """An answer in JSON."""
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def refused(error: ServiceError) -> Answer:
    """An error in the form that every JSON-protocol SDK reads."""
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": error.code}
    content = {"__type": error.code, "message": str(error), "Message": str(error)}
    return error.status, headers, json.dumps(content).encode()


async def off_the_loop(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a blocking function that may itself call this port."""
    return await asyncio.to_thread(function, *arguments)


def put_in_front(service: str, adapter: Adapter) -> None:
    """Let every request of the service pass through the adapter."""
    forward: Handler = app.SERVICE_HANDLERS[service]

    async def handler(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer:
        try:
            return await adapter(Request(method, path, headers, body, query, forward))
        except ServiceError as error:
            return refused(error)

    app.SERVICE_HANDLERS[service] = handler
