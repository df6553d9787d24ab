from __future__ import annotations

from typing import Any

import pytest

from ddb_migration.aws.change_queue import SOON_SECONDS, ChangeQueue
from ddb_migration.core.message import MESSAGE_LIMIT_BYTES
from ddb_migration.core.send_batches import Entry
from tests.aws.conftest import Client
from tests.fakes.aws import FakeAws
from tests.fakes.making import create_queue


@pytest.fixture
def url(client: Client, name: str) -> str:
    return create_queue(client("sqs"), name)


def entry(number: int, group: str = "g", body: str = "body") -> Entry:
    return Entry(str(number), group, f"id-{number}", f"{body}-{number}")


def receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["MessageGroupId"], WaitTimeSeconds=0
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def test_messages_arrive_in_their_groups_once(client: Client, url: str) -> None:
    queue = ChangeQueue(client("sqs"), url)
    assert queue.send([entry(1, "a"), entry(2, "b")]) == []
    assert queue.send([entry(2, "b"), entry(3, "c")]) == [], "a repeated entry is accepted and not delivered twice"
    received = receive(client("sqs"), url)
    assert [(m["Body"], m["Attributes"]["MessageGroupId"]) for m in received] == [
        ("body-1", "a"),
        ("body-2", "b"),
        ("body-3", "c"),
    ]


def test_the_depth_holds_what_waits_and_what_is_in_work(client: Client, url: str) -> None:
    queue = ChangeQueue(client("sqs"), url)
    assert queue.depth() == 0
    queue.send([entry(1, "a"), entry(2, "b")])
    assert queue.depth() == 2
    received = receive(client("sqs"), url)
    assert queue.depth() == 2
    entries = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in received]
    client("sqs").delete_message_batch(QueueUrl=url, Entries=entries)
    assert queue.depth() == 0


def test_a_message_of_the_largest_size_is_taken(client: Client, url: str) -> None:
    largest = Entry("1", "a", "id", "x" * MESSAGE_LIMIT_BYTES)
    assert ChangeQueue(client("sqs"), url).send([largest]) == []


def test_a_group_waits_for_its_first_message(client: Client, url: str) -> None:
    queue = ChangeQueue(client("sqs"), url)
    queue.send([entry(1)])
    assert len(receive(client("sqs"), url)) == 1
    queue.send([entry(2)])
    assert receive(client("sqs"), url) == []


def test_entries_that_sqs_refuses_come_back(fake: FakeAws) -> None:
    queue = ChangeQueue(fake.sqs, create_queue(fake.sqs, "q"))
    fake.sqs.refuse = lambda given: "InternalError" if given["MessageGroupId"] in "bd" else None
    entries = [entry(number, group) for number, group in enumerate("abcd")]
    assert {one.group for one in queue.send(entries)} == {"b", "d"}


def test_returned_messages_are_soon_visible_again(fake: FakeAws) -> None:
    url = create_queue(fake.sqs, "q")
    queue = ChangeQueue(fake.sqs, url)
    queue.send([entry(number, str(number)) for number in range(10)])
    received = receive(fake.sqs, url)
    queue.return_soon(message["ReceiptHandle"] for message in received)
    fake.clock.sleep(SOON_SECONDS[0] - 0.001)
    assert receive(fake.sqs, url) == []
    fake.clock.sleep(SOON_SECONDS[1] - SOON_SECONDS[0] + 0.001)
    assert len(receive(fake.sqs, url)) == 10


def test_returning_nothing_calls_nobody(fake: FakeAws) -> None:
    ChangeQueue(fake.sqs, create_queue(fake.sqs, "q")).return_soon([])
    assert fake.sqs.operations() == []
