"""The port of a bulk task: which connections its calls take where the destination is not beside the source."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from ddb_migration.aws.asyncio_port import AsyncioPort, End, _both, run
from ddb_migration.core.bulk_plan import CURSORS
from ddb_migration.core.item_text import Requests
from tests.bulk.serving import answer, dynamo, serving

SOURCE = "arn:aws:dynamodb:eu-west-1:111111111111:table/old"
DESTINATION = "arn:aws:dynamodb:eu-west-1:111111111111:table/new"
OTHER_ACCOUNT = DESTINATION.replace("111111111111", "999999999999")
OTHER_REGION = DESTINATION.replace("eu-west-1", "us-east-1")
PAGE = answer({"Items": [], "Count": 0, "ScannedCount": 0})
WRITTEN = answer({"UnprocessedItems": {}})


def client(region: str = "eu-west-1") -> Any:
    return boto3.client("dynamodb", region_name=region, aws_access_key_id="a", aws_secret_access_key="b")


async def outcome(call: Callable[[Callable[[Any], None]], None]) -> Any:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    call(future.set_result)
    return await future


def test_reads_go_to_the_source_and_writes_to_the_destination() -> None:
    async def run() -> tuple[list[str], list[str]]:
        requests = Requests(SOURCE, OTHER_ACCOUNT)
        async with serving([PAGE]) as old, serving([WRITTEN, PAGE]) as new, dynamo(old) as ours, dynamo(new) as theirs:
            with ThreadPoolExecutor(1) as threads:
                port = AsyncioPort((ours.calls, theirs.calls), threads, requests, ("id",))
                await outcome(lambda then: port.scan(0, 1, None, 10, then))
                await outcome(lambda then: port.write([b'"id":{"S":"1"}'], then))
                there = port.at_destination(Requests(OTHER_ACCOUNT, OTHER_ACCOUNT))
                await outcome(lambda then: there.scan(0, 1, None, 10, then))
                return [_target(head) for head in old.heads], [_target(head) for head in new.heads]

    assert asyncio.run(run()) == (["Scan"], ["BatchWriteItem", "Scan"])


def _target(head: bytes) -> str:
    return head.partition(b"DynamoDB_20120810.")[2].partition(b"\r\n")[0].decode()


def test_downloads_of_all_cursors_do_not_hold_up_looks_at_the_record() -> None:
    """A task may download a file for each of its cursors, each for minutes; without fresh looks it may not write."""
    meet = functools.partial(threading.Barrier(CURSORS + 1).wait, 2)

    def start(port: AsyncioPort, finished: Callable[[Exception | None], None]) -> None:
        for _ in range(CURSORS):
            port.aside(meet, lambda _: None)
        port.aside(meet, lambda told: finished(told if isinstance(told, Exception) else None))

    run((End(client(), SOURCE), End(client(), DESTINATION)), Requests(SOURCE, DESTINATION), ("id",), start)


@pytest.mark.parametrize(
    ("destination", "is_shared"), [(DESTINATION, True), (OTHER_ACCOUNT, False)], ids=["beside", "another account"]
)
def test_two_tables_behind_one_endpoint_share_its_connections(destination: str, is_shared: bool) -> None:
    ours = client()
    reads, writes = asyncio.run(_calls(End(ours, SOURCE), End(ours, destination)))
    assert (reads is writes) == is_shared


def test_another_client_has_connections_endpoint_and_region_of_its_own() -> None:
    reads, writes = asyncio.run(_calls(End(client(), SOURCE), End(client("us-east-1"), OTHER_REGION)))
    assert [calls._endpoint.region for calls in (reads, writes)] == ["eu-west-1", "us-east-1"]
    assert "us-east-1" in writes._endpoint.url


async def _calls(source: End, destination: End) -> tuple[Any, Any]:
    with ThreadPoolExecutor(1) as threads:
        reads, writes = _both(source, destination, threads)
        for calls in {id(calls): calls for calls in (reads, writes)}.values():
            calls.close()
        return reads, writes
