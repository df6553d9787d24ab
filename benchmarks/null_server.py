"""A DynamoDB that does nothing: answers Scan with ready pages and BatchWriteItem with success, from one process.

`python -m benchmarks.null_server DELAY_MS` prints its port, then serves until its standard input ends.
"""

from __future__ import annotations

import re
import resource
import select
import socket
import sys
import time
import zlib
from collections import deque
from collections.abc import Sequence

from benchmarks.shapes import SHAPES, as_text, page_of

# Pages of each segment.
PAGES = 4
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PAGE = re.compile(rb"PAGE#(\d+)")
_TABLE = re.compile(rb":table/(\w+)")
_READ = 1024 * 1024


def answer(body: bytes, checked: bytes | None = None) -> bytes:
    """Return a whole answer with the headers that DynamoDB sends."""
    return (
        b"HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Mon, 23 Nov 2026 09:17:29 GMT\r\n"
        b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\nConnection: keep-alive\r\n"
        b"x-amzn-RequestId: ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGHIJKLMNOP\r\nx-amz-crc32: %d\r\n\r\n%b"
        % (len(body), zlib.crc32(body), body)
    )


class Answers:
    """Every answer that there is, made once."""

    def __init__(self) -> None:
        self._plain = answer(b'{"UnprocessedItems":{}}')
        units = b'{"ConsumedCapacity":[{"CapacityUnits":25.0,"TableName":"t"}],"UnprocessedItems":{}}'
        self._with_units = answer(units)
        self._pages = {name.encode(): _pages(name) for name in SHAPES}

    def to(self, head: bytes, body: bytes) -> bytes:
        """Return the answer to a request."""
        if b".Scan" in head:
            table, start = _TABLE.search(body), _PAGE.search(body)
            pages = self._pages[table[1] if table else b""]
            return pages[int(start[1]) if start else 0]
        return self._with_units if b'"ReturnConsumedCapacity"' in body[:64] else self._plain


def _pages(shape: str) -> Sequence[bytes]:
    pages = []
    for number in range(1, PAGES + 1):
        items = page_of(shape, number)
        told = {"ConsumedCapacity": {"CapacityUnits": 128.5, "TableName": shape}, "Count": len(items), "Items": items}
        if number < PAGES:
            told["LastEvaluatedKey"] = {"pk": {"S": f"PAGE#{number}"}, "sk": {"S": "x"}}
        pages.append(answer(as_text({**told, "ScannedCount": len(items)})))
    return pages


class Client:
    """One accepted connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection = connection
        self.parts: list[bytes] = []
        self.have = self.need = 0
        self.out = memoryview(b"")
        self.waits = False

    def request(self) -> tuple[bytes, bytes] | None:
        """Read; return head and body once a whole request is here. Raises ConnectionError at the end."""
        data = self.connection.recv(_READ)
        if not data:
            raise ConnectionResetError
        self.parts.append(data)
        self.have += len(data)
        if self.have < self.need:
            return None
        data = b"".join(self.parts)
        end = data.find(b"\r\n\r\n") + 4
        length = _LENGTH.search(data, 0, end) if end > 3 else None
        self.need = end + int(length[1]) if length else self.have + 1
        if self.have < self.need:
            self.parts = [data]
            return None
        self.parts, self.have, self.need = [], 0, 0
        return data[:end], data[end:]

    def send(self) -> bool:
        """Send what is left of the answer; False when the socket is full."""
        while self.out:
            try:
                self.out = self.out[self.connection.send(self.out) :]
            except BlockingIOError:
                return False
        return True


class NullServer:
    """Serves on a port of the loopback; every answer to a write waits `delay` seconds."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._answers = Answers()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self._poll = select.epoll()
        self._clients: dict[int, Client] = {}
        self._due: deque[tuple[float, Client, bytes]] = deque()
        self.requests = 0

    def serve(self) -> None:
        """Serve until standard input ends."""
        self._poll.register(self._listener.fileno(), select.EPOLLIN)
        self._poll.register(sys.stdin.fileno(), select.EPOLLIN)
        while True:
            wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else -1
            for number, event in self._poll.poll(wait, 256):
                if number == sys.stdin.fileno():
                    return
                self._happened(number, event)
            self._send_due()

    def _happened(self, number: int, event: int) -> None:
        if number == self._listener.fileno():
            client = Client(self._listener.accept()[0])
            self._clients[client.connection.fileno()] = client
            self._poll.register(client.connection.fileno(), select.EPOLLIN)
            return
        client = self._clients[number]
        try:
            if event & select.EPOLLOUT:
                self._send(client)
            elif event & ~select.EPOLLOUT:
                self._read(client)
        except ConnectionError:
            self._poll.unregister(number)
            self._clients.pop(number).connection.close()

    def _read(self, client: Client) -> None:
        request = client.request()
        if request is None:
            return
        self.requests += 1
        told = self._answers.to(*request)
        if self._delay and b".Scan" not in request[0]:
            self._due.append((time.monotonic() + self._delay, client, told))
        else:
            client.out = memoryview(told)
            self._send(client)

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, client, told = self._due.popleft()
            client.out = memoryview(told)
            try:
                self._send(client)
            except (ConnectionError, OSError):
                continue

    def _send(self, client: Client) -> None:
        done = client.send()
        if done is client.waits:
            client.waits = not done
            self._poll.modify(client.connection.fileno(), select.EPOLLIN if done else select.EPOLLOUT)


def main() -> None:
    """Print the port, serve, then print the requests served and the CPU seconds spent on them."""
    server = NullServer(float(sys.argv[1]) / 1000)
    before = _cpu()
    print(server.port, flush=True)
    server.serve()
    print(server.requests, _cpu() - before, flush=True)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
