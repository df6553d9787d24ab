"""HTTP/1.1 answers as they arrive: with a length, in chunks, or until the connection is closed."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]", re.IGNORECASE)
# The headers that decide how an answer is read, in lower case.
_HEADERS = re.compile(rb"\r\n(content-length|transfer-encoding|connection|x-amz-crc32): *([^\r]*)")
# The head of DynamoDB's own answers; any other is read header by header.
_SUCCESS = re.compile(
    rb"HTTP/1\.1 200 [^\r]*\r\nServer: [^\r]*\r\nDate: [^\r]*\r\nContent-Type: [^\r]*\r\nContent-Length: (\d+)\r\n"
    rb"Connection: keep-alive\r\nx-amzn-RequestId: [^\r]*\r\nx-amz-crc32: (\d+)\r\n\r\n"
)
_LONGEST_HEAD = 64 * 1024
_LONGEST_SIZE_LINE = 1024
_END = b"\r\n\r\n"


class BadAnswer(Exception):
    """What arrived is no HTTP/1.1 answer, or its body is damaged."""


@dataclass(slots=True)
class Answer:
    """A complete answer; `head` ends with the last header's line, `closes` tells that the connection ends with it."""

    status: int
    head: bytes
    body: bytes
    closes: bool = False
    crc32: int | None = None

    def header(self, name: str) -> str | None:
        """Return a header's value, None where it is missing."""
        found = re.search(rb"\r\n%b: *([^\r\n]*)" % re.escape(name.encode()), self.head, re.IGNORECASE)
        return found[1].decode("latin-1").strip() if found else None

    def check(self) -> None:
        """Raise BadAnswer where the body is not what DynamoDB sent (DynamoDB sends its CRC32)."""
        if self.crc32 is not None and self.crc32 != zlib.crc32(self.body):
            raise BadAnswer("the body's CRC32 is not the one that DynamoDB sent")


class AnswerReader:
    """Puts one answer after the other together; `feed` and `finish` raise BadAnswer."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self.has_begun = False
        self._head: bytes | None = None
        self._crc32: int | None = None
        self._closes = False
        self._parts: list[bytes] = []
        self._missing = 0
        self._chunks: _Chunks | None = None
        self._until_close = False

    def feed(self, data: bytes) -> Answer | None:
        """Take what has arrived; return the answer once it is complete."""
        if not self.has_begun:
            answer = _whole(data)
            if answer is not None:
                return answer
        self.has_begun = True
        if self._head is None:
            data = self._take_head(data)
            if self._head is None:
                return None
        return self._take_body(data)

    def finish(self) -> Answer | None:
        """Take note that the connection was closed; return an answer that ends with it."""
        if self._head is not None and self._until_close:
            return self._complete(b"".join(self._parts))
        return None

    def _take_head(self, data: bytes) -> bytes:
        if self._parts:
            data = self._parts.pop() + data
        end = data.find(_END)
        if end < 0:
            if len(data) > _LONGEST_HEAD:
                raise BadAnswer("the answer's head has no end")
            self._parts.append(data)
            return b""
        self._head = data[: end + 2]
        self._judge(self._head)
        return data[end + 4 :]

    def _judge(self, head: bytes) -> None:
        if not _STATUS.match(head):
            raise BadAnswer(f"not HTTP/1.1: {head[:40]!r}")
        told = _told(head)
        self._crc32 = _number(told, b"x-amz-crc32")
        self._closes = _closes(told)
        length = _number(told, b"content-length")
        if length is not None:
            self._missing = length
        elif told.get(b"transfer-encoding", b"").startswith(b"chunked"):
            self._chunks = _Chunks()
        else:
            self._until_close = True

    def _take_body(self, data: bytes) -> Answer | None:
        if self._chunks is not None:
            body = self._chunks.feed(data)
            return None if body is None else self._complete(body)
        self._parts.append(data)
        self._missing -= len(data)
        if self._until_close or self._missing > 0:
            return None
        if self._missing < 0:
            raise BadAnswer("more arrived than the answer's length")
        return self._complete(b"".join(self._parts) if len(self._parts) > 1 else data)

    def _complete(self, body: bytes) -> Answer:
        head = self._head or b""
        answer = Answer(int(head[9:12]), head, body, self._until_close or self._closes, self._crc32)
        self._start()
        return answer


def _whole(data: bytes) -> Answer | None:
    """Return the one answer that `data` is, None where it is anything else: what mostly arrives, at a glance."""
    found = _SUCCESS.match(data)
    if found is None:
        return None
    end = found.end()
    if int(found[1]) != len(data) - end:
        return None
    return Answer(200, data[: end - 2], data[end:], False, int(found[2]))


def _told(head: bytes) -> dict[bytes, bytes]:
    """Return the headers that decide, names and values in lower case."""
    return dict(_HEADERS.findall(head.lower()))


def _closes(told: Mapping[bytes, bytes]) -> bool:
    return told.get(b"connection", b"").startswith(b"close")


def _number(told: Mapping[bytes, bytes], name: bytes) -> int | None:
    text = told.get(name)
    try:
        return None if text is None else int(text)
    except ValueError as error:
        raise BadAnswer(f"a header that is no number: {text!r:.40}") from error


class _Chunks:
    """A body in chunks: RFC 9112, section 7.1. Trailers are read and dropped."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._body: list[bytes] = []
        self._is_last = False

    def feed(self, data: bytes) -> bytes | None:
        self._pending += data
        while not self._is_last:
            if not self._chunk():
                return None
        return self._trailers()

    def _chunk(self) -> bool:
        """Take one whole chunk, if it has arrived."""
        end = self._pending.find(b"\r\n")
        if end < 0:
            if len(self._pending) > _LONGEST_SIZE_LINE:
                raise BadAnswer("a chunk without a size")
            return False
        size = self._size(bytes(self._pending[:end]))
        if not size:
            self._is_last = True
            # The line's own end stays: an empty list of trailers is the empty line that follows it.
            del self._pending[:end]
            return True
        if len(self._pending) < end + size + 4:
            return False
        if self._pending[end + 2 + size : end + size + 4] != b"\r\n":
            raise BadAnswer("a chunk of another size than it says")
        self._body.append(bytes(self._pending[end + 2 : end + 2 + size]))
        del self._pending[: end + size + 4]
        return True

    def _size(self, line: bytes) -> int:
        try:
            return int(line.partition(b";")[0], 16)
        except ValueError as error:
            raise BadAnswer(f"a chunk without a size: {line[:40]!r}") from error

    def _trailers(self) -> bytes | None:
        end = self._pending.find(_END)
        if end < 0:
            return None
        if len(self._pending) > end + 4:
            raise BadAnswer("more arrived than the answer's chunks")
        return b"".join(self._body)
