"""The transport against a server that does all that servers do."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from ddb_migration.aws.bulk_failures import is_about_items, is_throttle, reasons, will_pass
from ddb_migration.aws.transport.dynamodb import DamagedAnswer
from ddb_migration.aws.transport.failures import RepeatRequest
from ddb_migration.aws.transport.signing import Keys
from tests.bulk.serving import CLOSE, SILENCE, Dynamo, Server, answer, dynamo, error, serving

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"


def run(script: Any, story: Callable[[Server, Dynamo], Awaitable[None]], **given: Any) -> Server:
    async def main() -> Server:
        async with serving(script) as server, dynamo(server, **given) as calls:
            await asyncio.wait_for(story(server, calls), 20)
            return server

    return asyncio.run(main())


def test_a_connection_is_kept() -> None:
    async def story(server: Server, calls: Dynamo) -> None:
        for _ in range(5):
            assert await calls.call() == b"{}"

    server = run([answer({})], story)
    assert (server.connections, len(server.heads)) == (1, 5)


def test_calls_side_by_side_have_connections_of_their_own_up_to_the_most() -> None:
    async def story(server: Server, calls: Dynamo) -> None:
        assert await asyncio.gather(*(calls.call() for _ in range(40))) == [b"{}"] * 40

    server = run([answer({})], story)
    assert 1 <= server.connections <= 8
    assert len(server.heads) == 40


def test_a_body_in_chunks() -> None:
    async def story(server: Server, calls: Dynamo) -> None:
        assert await calls.call() == b"hello world"
        assert await calls.call() == b"hello world"

    assert run([CHUNKED], story).connections == 1


def test_a_large_body() -> None:
    body = b"x" * 3_000_000

    async def story(server: Server, calls: Dynamo) -> None:
        assert await calls.call(b"y" * 2_000_000) == body

    run([answer(body)], story)


def test_a_connection_that_closes_with_its_answer_is_not_used_again() -> None:
    async def story(server: Server, calls: Dynamo) -> None:
        for _ in range(3):
            assert await calls.call() == b"{}"

    assert run([answer({}, Connection="close")], story).connections == 3


def test_a_kept_connection_that_was_closed_is_told_apart_from_a_lost_answer() -> None:
    async def story(server: Server, calls: Dynamo) -> None:
        await calls.call()
        with pytest.raises(RepeatRequest, match="had been closed"):
            await calls.call()
        assert await calls.call() == b"{}"

    run([answer({}), CLOSE, answer({})], story)


def test_a_connection_that_ends_before_its_first_answer() -> None:
    async def story(server: Server, calls: Dynamo) -> None:
        with pytest.raises(ConnectionClosedError):
            await calls.call()
        assert await calls.call() == b"{}"

    run([CLOSE, answer({})], story)


def test_every_call_ends_in_time() -> None:
    async def story(server: Server, calls: Dynamo) -> None:
        begun = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            await calls.call(seconds=0.3)
        assert 0.3 <= time.monotonic() - begun < 2
        assert await calls.call() == b"{}"

    run([SILENCE, answer({})], story)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def main() -> None:
        async with dynamo(Server(lambda *_: b"", port=port)) as calls:
            with pytest.raises(EndpointConnectionError):
                await calls.call()

    asyncio.run(main())


def test_a_damaged_body_is_no_answer() -> None:
    async def story(server: Server, calls: Dynamo) -> None:
        with pytest.raises(DamagedAnswer, match="CRC32"):
            await calls.call()
        assert await calls.call() == b"{}"

    run([answer({}, x_amz_crc32="1").replace(b"x_", b"x-"), answer({})], story)


def failure(script: bytes) -> ClientError:
    raised: list[ClientError] = []

    async def story(server: Server, calls: Dynamo) -> None:
        with pytest.raises(ClientError) as caught:
            await calls.call()
        raised.append(caught.value)

    run([script], story)
    return raised[0]


def test_an_error_carries_code_message_and_request_id() -> None:
    told = failure(error("ValidationException", message="an item is wrong"))
    assert told.response["Error"] == {"Code": "ValidationException", "Message": "an item is wrong"}
    assert told.response["ResponseMetadata"]["RequestId"] == "REQUEST-1"
    assert is_about_items(told)
    assert not will_pass(told)


def test_throttling_tells_its_reasons() -> None:
    listed = [{"reason": "TableWriteKeyRangeThroughputExceeded", "resource": "arn"}]
    told = failure(error("ThrottlingException", ThrottlingReasons=listed))
    assert is_throttle(told)
    assert reasons(told) == ["TableWriteKeyRangeThroughputExceeded"]
    assert reasons(failure(error("ProvisionedThroughputExceededException"))) == [
        "ProvisionedThroughputExceededException"
    ]


@pytest.mark.parametrize(
    ("told", "passes"),
    [
        (error("InternalServerError", 500), True),
        (answer(b"<html>Bad gateway</html>", 502), True),
        (error("AccessDeniedException"), False),
        (error("ResourceNotFoundException"), False),
    ],
)
def test_what_will_pass(told: bytes, passes: bool) -> None:
    assert will_pass(failure(told)) is passes


def test_a_wrong_clock_is_set_by_the_servers() -> None:
    """The server is half an hour ahead, and says so in the answer that refuses the signature."""
    date = formatdate(time.time() + 1800, usegmt=True)
    refused = error("InvalidSignatureException", message="Signature expired").replace(b"date:", b"was:", 1)
    refused = refused.replace(b"\r\n", f"\r\ndate: {date}\r\n".encode(), 1)

    async def story(server: Server, calls: Dynamo) -> None:
        with pytest.raises(RepeatRequest, match="clock was wrong by 1"):
            await calls.call()
        assert await calls.call() == b"{}"
        with pytest.raises(ClientError, match="Signature expired"):
            await calls.call()

    first, second, _ = run([refused, answer({}), refused], story).heads
    times = [head.split(b"x-amz-date: ")[1][9:13] for head in (first, second)]
    assert (int(times[1][:2]) * 60 + int(times[1][2:]) - int(times[0][:2]) * 60 - int(times[0][2:])) % 1440 in (29, 30)


def test_requests_that_were_refused_together_for_a_wrong_clock_are_all_sent_again() -> None:
    refused = error("InvalidSignatureException", message="Signature expired").replace(b"date:", b"was:", 1)
    date = formatdate(time.time() + 1800, usegmt=True)
    refused = refused.replace(b"\r\n", f"\r\ndate: {date}\r\n".encode(), 1)

    async def story(server: Server, calls: Dynamo) -> None:
        outcomes = await asyncio.gather(*(calls.call() for _ in range(3)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [RepeatRequest] * 3

    run([refused] * 3, story)


def test_keys_that_have_ended_are_renewed() -> None:
    given = iter([Keys("old", "s", "t1"), Keys("new", "s", "t2"), Keys("new", "s", "t2")])

    async def story(server: Server, calls: Dynamo) -> None:
        with pytest.raises(RepeatRequest, match="renewed"):
            await calls.call()
        assert await calls.call() == b"{}"
        with pytest.raises(ClientError, match="ExpiredTokenException"):
            await calls.call()

    expired = error("ExpiredTokenException")
    heads = run([expired, answer({}), expired], story, keys=lambda: next(given)).heads
    assert b"Credential=old/" in heads[0]
    assert b"x-amz-security-token: t2" in heads[1]


def test_tls(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-days", "2"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    if subprocess.run([*made, *subject], capture_output=True, check=False).returncode:
        pytest.skip("no openssl to make a certificate with")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def main() -> None:
        async with serving([answer({})], ssl=context) as server, dynamo(server, scheme="https") as calls:
            assert await calls.call() == b"{}"
            assert await calls.call(b"x" * 500_000) == b"{}"

    asyncio.run(main())
