"""Answers are put together however they are cut on the wire."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.aws.transport.answers import Answer, AnswerReader, BadAnswer

HEAD = b"HTTP/1.1 200 OK\r\nServer: Server\r\nX-Amzn-RequestId: R1\r\n"


def with_length(body: bytes) -> bytes:
    return b"%bContent-Length: %d\r\nx-amz-crc32: %d\r\n\r\n%b" % (HEAD, len(body), zlib.crc32(body), body)


def of_dynamodb(body: bytes) -> bytes:
    """The headers of DynamoDB's own answers, in their order."""
    return (
        b"HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Mon, 23 Nov 2026 09:17:29 GMT\r\n"
        b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\nConnection: keep-alive\r\n"
        b"x-amzn-RequestId: R1\r\nx-amz-crc32: %d\r\n\r\n%b" % (len(body), zlib.crc32(body), body)
    )


def in_chunks(body: bytes, size: int = 7, trailer: bytes = b"") -> bytes:
    pieces = [body[first : first + size] for first in range(0, len(body), size)]
    chunks = b"".join(b"%x;extension\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailer + b"\r\n"


def fed(data: bytes, cuts: list[int]) -> list[Answer]:
    reader, places = AnswerReader(), sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    pieces = [data[first:last] for first, last in zip(places, places[1:], strict=False)]
    return [answer for piece in pieces if (answer := reader.feed(piece)) is not None]


@given(st.sampled_from([with_length, of_dynamodb]), st.binary(max_size=60), st.lists(st.integers(0, 1000), max_size=8))
def test_an_answer_with_a_length(written: Callable[[bytes], bytes], body: bytes, cuts: list[int]) -> None:
    (answer,) = fed(written(body), cuts)
    assert (answer.status, answer.body, answer.closes, answer.crc32) == (200, body, False, zlib.crc32(body))
    assert answer.header("x-amzn-requestid") == "R1"
    answer.check()


@given(st.binary(max_size=60), st.lists(st.integers(0, 1000), max_size=8), st.sampled_from([b"", b"a: b\r\n"]))
def test_an_answer_in_chunks(body: bytes, cuts: list[int], trailer: bytes) -> None:
    (answer,) = fed(in_chunks(body, trailer=trailer), cuts)
    assert answer.body == body


def test_one_answer_follows_another() -> None:
    reader = AnswerReader()
    for body in (b"{}", b"", b"12345"):
        answer = reader.feed(with_length(body))
        assert answer is not None
        assert answer.body == body
        assert not reader.has_begun


def test_an_answer_that_ends_with_its_connection() -> None:
    reader = AnswerReader()
    assert reader.feed(HEAD + b"\r\nabc") is None
    assert reader.feed(b"def") is None
    answer = reader.finish()
    assert answer is not None
    assert (answer.body, answer.closes) == (b"abcdef", True)


def test_an_answer_cut_off_is_none() -> None:
    reader = AnswerReader()
    reader.feed(with_length(b"123456789")[:-3])
    assert reader.has_begun
    assert reader.finish() is None


def test_a_connection_that_will_close_is_known() -> None:
    answer = AnswerReader().feed(HEAD + b"Connection: Close\r\nContent-Length: 0\r\n\r\n")
    assert answer is not None
    assert answer.closes


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        with_length(b"1") + b"more",
        of_dynamodb(b"1") + b"more",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        in_chunks(b"abc") + b"more",
        b"x" * 70_000,
    ],
    ids=["another protocol", "too long", "of DynamoDB, too long", "no size", "wrong size", "after its end", "no end"],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        AnswerReader().feed(data)


@pytest.mark.parametrize("written", [with_length, of_dynamodb])
def test_a_damaged_body_is_seen(written: Callable[[bytes], bytes]) -> None:
    answer = AnswerReader().feed(written(b"abc").replace(b"\r\n\r\nabc", b"\r\n\r\nabd"))
    assert answer is not None
    with pytest.raises(BadAnswer, match="CRC32"):
        answer.check()
