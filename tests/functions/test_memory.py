"""What a batch of the largest items takes of WriteCdc's memory, measured in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError

from ddb_migration.aws.clients import writer
from ddb_migration.aws.tables import Destination
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.change import PUT, Change
from ddb_migration.core.delivery import Delivery
from ddb_migration.core.message import encode
from ddb_migration_construct.write_cdc import MEMORY_MIB
from write_cdc.handler import WRITERS

STATUS = Path("/proc/self/status")
# Of Lambda's runtime, and of the clients that this does not make.
RESERVE_MIB = 300


def flags(place: int) -> Item:
    """An item of 390 KB as DynamoDB counts; no other shape takes so much here as a list of booleans."""
    return {"pk": {"S": f"k{place}"}, "flags": {"L": [{"BOOL": True} for _ in range(195_000)]}}


def message(place: int) -> str:
    item = flags(place)
    return encode("e1", Change(kind=PUT, key={"pk": item["pk"]}, number=str(10**20 + place), image=item, created=1.0))


def most_memory_of_a_batch(bodies: Sequence[str]) -> int:
    """Decode messages and put their items side by side, as WriteCdc does; return the most memory used, in MiB."""
    destination = Destination(writer("dynamodb"), "table")
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1000", "SequenceNumber": "1"}
    received = [
        Delivery.of(
            {
                "messageId": str(place),
                "receiptHandle": "r",
                "body": body,
                "attributes": {**attributes, "MessageGroupId": str(place)},
            }
        )
        for place, body in enumerate(bodies)
    ]

    def put(delivery: Delivery) -> None:
        assert delivery.message is not None
        assert delivery.message.image is not None
        # Nobody listens there, but the request was made.
        with contextlib.suppress(BotoCoreError):
            destination.put(delivery.message.image)

    list(ThreadPoolExecutor(WRITERS).map(put, received))
    (most,) = re.findall(r"VmHWM:\s+(\d+) kB", STATUS.read_text())
    return int(most) // 1024


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells the most memory that a process has had")
def test_ten_of_the_largest_documents_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    bodies = [message(place) for place in range(WRITERS)]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        most = process.submit(most_memory_of_a_batch, bodies).result(timeout=150)
    assert 512 < most < MEMORY_MIB - RESERVE_MIB
