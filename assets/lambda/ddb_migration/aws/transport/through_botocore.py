"""The same calls through botocore's own session: slower, and at home with proxies and everything else it knows."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from ddb_migration.aws.transport.answers import Answer
from ddb_migration.aws.transport.dynamodb import Then
from ddb_migration.aws.transport.failures import client_error
from ddb_migration.aws.transport.signing import CONTENT_TYPE, SERVICE


class ThroughBotocore:
    """Sends ready-made bodies with a boto3 client's own signer, credentials and connections."""

    def __init__(self, client: Any, executor: Executor) -> None:
        self._client, self._executor = client, executor
        self._loop = asyncio.get_running_loop()
        self._is_closed = False

    def call(self, operation: str, body: bytes, seconds: float, then: Then) -> None:
        """Send a body; the client's own time-outs stand for `seconds`."""

        def told(future: asyncio.Future[bytes]) -> None:
            if self._is_closed or future.cancelled():
                return
            error = future.exception()
            if error is not None and not isinstance(error, Exception):
                raise error
            then(error if error is not None else future.result())

        self._loop.run_in_executor(self._executor, self._send, operation, body).add_done_callback(told)

    def close(self) -> None:
        """Tell no outcome any more."""
        self._is_closed = True

    def _send(self, operation: str, body: bytes) -> bytes:
        response = _sent(self._client, operation, body)
        if response.status_code != 200:
            raise client_error(operation, _answer(response))
        content: bytes = response.content
        return content


def _sent(client: Any, operation: str, body: bytes) -> Any:
    headers = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": f"DynamoDB_20120810.{operation}"}
    request = AWSRequest("POST", client.meta.endpoint_url, headers=headers, data=body)
    credentials = client._request_signer._credentials.get_frozen_credentials()
    SigV4Auth(credentials, SERVICE, client.meta.region_name).add_auth(request)
    return client._endpoint.http_session.send(request.prepare())


def _answer(response: Any) -> Answer:
    lines = "".join(f"\r\n{name}: {value}" for name, value in response.headers.items())
    head = f"HTTP/1.1 {response.status_code}{lines}\r\n".encode("latin-1")
    return Answer(response.status_code, head, response.content)
