"""The cases: each runs in a process of its own, warms up, and prints what it did and the CPU seconds it took.

`python -m benchmarks.cases NAME PORT` runs one against the null server at PORT.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import psutil
from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from benchmarks.product import copy_files, copy_lanes, copy_segments, export_of, texts_of
from benchmarks.shapes import as_text, page_of
from benchmarks.verifying import read, verify

Case = Callable[[], int]

# Segments copied by the product, of PAGES pages each; enough for about half a second of CPU.
SEGMENTS = {"200b": 12, "1kb": 16, "20kb": 16, "braces": 16}
EXPORT_PAGES = 16
LANE_ITEMS = 600_000
RIVAL_LANE_ITEMS = 20_000
RIVAL_THREADS = 32


def arn(shape: str) -> str:
    """Return the table's ARN, which tells the null server the shape."""
    return f"arn:aws:dynamodb:eu-west-1:111111111111:table/{shape}"


class Cases:
    """All cases against one null server."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def client(self, kind: Any = boto3.client, connections: int = 10) -> Any:
        """Return a boto3 client or resource for the null server."""
        config = Config(max_pool_connections=connections, retries={"mode": "standard", "total_max_attempts": 1})
        return kind("dynamodb", region_name="eu-west-1", endpoint_url=self._url, config=config)

    def named(self, name: str) -> Case:
        """Return a case by its name: what is measured, who does it, and the shape."""
        what, who, shape = name.split(":")
        found: Case = getattr(self, f"_{what}_{who}")(shape)
        return found

    def _scan_write_product(self, shape: str) -> Case:
        return lambda: copy_segments(self.client(), arn(shape), SEGMENTS[shape])

    def _verify_product(self, shape: str) -> Case:
        return lambda: verify(self.client(), arn(shape), SEGMENTS[shape] // 2)[0]

    def _read_product(self, shape: str) -> Case:
        return lambda: read(self.client(), arn(shape), SEGMENTS[shape])

    def _scan_write_resource(self, shape: str) -> Case:
        table = self.client(boto3.resource).Table(arn(shape))

        def copy() -> int:
            items = table.scan(ConsistentRead=True, ReturnConsumedCapacity="TOTAL")["Items"]
            with table.batch_writer() as writer:
                for item in items:
                    writer.put_item(Item=item)
            return len(items)

        return copy

    def _scan_write_client(self, shape: str) -> Case:
        client = self.client()

        def copy() -> int:
            items = client.scan(TableName=arn(shape), ConsistentRead=True)["Items"]
            for batch in _batches(items):
                client.batch_write_item(RequestItems={arn(shape): batch})
            return len(items)

        return copy

    def _export_write_product(self, shape: str) -> Case:
        files = export_of(_export(shape, EXPORT_PAGES), len(page_of(shape)) * EXPORT_PAGES)
        return lambda: copy_files(self.client(), arn(shape), files)

    def _export_write_gzip(self, shape: str) -> Case:
        table = self.client(boto3.resource).Table(arn(shape))
        deserialize = TypeDeserializer().deserialize

        def copy() -> int:
            count = 0
            with gzip.open(_export(shape, 1)) as lines, table.batch_writer() as writer:
                for count, line in enumerate(lines, 1):  # noqa: B007  counted
                    item = json.loads(line)["Item"]
                    writer.put_item(Item={name: deserialize(value) for name, value in item.items()})
            return count

        return copy

    def _export_write_spark(self, shape: str) -> Case:
        from benchmarks.naive_spark import NaiveSpark

        spark = NaiveSpark(self._url, arn(shape))
        return lambda: spark.copy(_export(shape, 4))

    def _lanes_product(self, shape: str) -> Case:
        texts = texts_of(page_of(shape))
        return lambda: copy_lanes(self.client(), arn(shape), texts, LANE_ITEMS)

    def _lanes_threads(self, shape: str) -> Case:
        client = self.client(connections=RIVAL_THREADS)
        batches = list(_batches(page_of(shape)[:2500])) * (RIVAL_LANE_ITEMS // 2500)

        def copy() -> int:
            def write(batch: Any) -> None:
                client.batch_write_item(RequestItems={arn(shape): batch})

            with ThreadPoolExecutor(RIVAL_THREADS) as threads:
                list(threads.map(write, batches))
            return 25 * len(batches)

        return copy


def _batches(items: list[Any]) -> Iterator[list[dict[str, Any]]]:
    puts = [{"PutRequest": {"Item": item}} for item in items]
    for first in range(0, len(puts), 25):
        yield puts[first : first + 25]


def _export(shape: str, pages: int) -> Path:
    """Return an export file of some pages, made once on this machine."""
    path = Path(tempfile.gettempdir()) / f"ddb-migration-benchmark-{os.getuid()}-{shape}-{pages}.json.gz"
    if not path.exists():
        lines = b"".join(as_text({"Item": item}) + b"\n" for item in page_of(shape))
        path.write_bytes(gzip.compress(lines * pages, 6))
    return path


def cpu_seconds() -> float:
    """Return the CPU seconds of this process, by getrusage, and of all those below it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    below = [process.cpu_times() for process in psutil.Process().children(recursive=True)]
    rest: float = sum(one.user + one.system + one.children_user + one.children_system for one in below)
    return used.ru_utime + used.ru_stime + rest


def most_memory() -> int:
    """Return the most memory that this process has had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    """Run a case twice and print the second: items, CPU seconds, seconds, and by how many KiB memory grew at most."""
    name, port = sys.argv[1], int(sys.argv[2])
    case = Cases(port).named(name)
    memory = most_memory()
    case()
    cpu, begun = cpu_seconds(), time.monotonic()
    items = case()
    print(json.dumps([items, cpu_seconds() - cpu, time.monotonic() - begun, most_memory() - memory]), flush=True)


if __name__ == "__main__":
    main()
