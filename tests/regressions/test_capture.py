"""AWS's public sample loses data at capture; each defect as a check that it fails and the product passes.

The numbers are those of the project's list of the sample's defects.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddb_migration.aws.mappings import Mappings
from ddb_migration.core.attribute_values import with_bytes
from enable_trigger import settle, start_capture
from stream_processor import handler as stream_processor
from stream_processor.handler import StreamProcessor
from tests.fidelity.paths import World, as_json
from tests.fidelity.test_fidelity import ALL_TYPES
from tests.functions.migration import Caller, Migration
from tests.regressions.lambda_rules import retried_from_stream, seen
from tests.regressions.orders import Carrier, Orders, Record, delete, key, product, put

Handler = Callable[[dict[str, Any]], Any]


def image_of(record: Record) -> dict[str, Any]:
    return with_bytes(record["dynamodb"]["NewImage"])


def key_of(record: Record) -> dict[str, Any]:
    return with_bytes(record["dynamodb"]["Keys"])


# 1: deletes never leave the stream


def check_deletes(carry: Carrier) -> None:
    world = Orders()
    carry(world, [[world.write(key("a"))], [world.remove(key("a"))]])
    world.require_equal()


def test_01_deletes_reach_the_destination() -> None:
    check_deletes(product)


def test_01_waiting_for_events_called_delete_is_caught() -> None:
    def naive(world: World, batches: Sequence[Sequence[Record]]) -> None:
        for record in (record for batch in batches for record in batch):
            if record["eventName"] == "DELETE":
                delete(world, key_of(record))
            elif record["eventName"] != "REMOVE":
                put(world, image_of(record))

    with pytest.raises(AssertionError):
        check_deletes(naive)


# 2: the old image of a deleted item is put back


def test_02_a_deleted_item_is_not_put_back() -> None:
    check_deletes(product)


def test_02_putting_the_old_image_is_caught() -> None:
    def naive(world: World, batches: Sequence[Sequence[Record]]) -> None:
        for record in (record for batch in batches for record in batch):
            body = record["dynamodb"]
            put(world, with_bytes(body["OldImage"] if record["eventName"] == "REMOVE" else body["NewImage"]))

    with pytest.raises(AssertionError):
        check_deletes(naive)


# 3: types are stripped from values and keys


def check_types(carry: Carrier) -> None:
    world = Orders((("pk", "B"),))
    carry(world, [[world.write(ALL_TYPES)]])
    world.require_equal()


def test_03_every_type_arrives_as_it_was() -> None:
    check_types(product)


def test_03_taking_the_value_without_its_type_is_caught() -> None:
    def naive(world: World, batches: Sequence[Sequence[Record]]) -> None:
        for record in (record for batch in batches for record in batch):
            plain = {name: next(iter(value.values())) for name, value in record["dynamodb"]["NewImage"].items()}
            item = {name: {"S": str(content)} for name, content in plain.items()}
            put(world, {**item, "pk": with_bytes(record["dynamodb"]["Keys"])["pk"]})

    with pytest.raises(AssertionError):
        check_types(naive)


# 8: what could not be sent is logged, and the stream goes on


def check_large_item(world: Orders, handler: Handler) -> None:
    accented = world.write({**key("a"), "text": {"S": "é" * 200_000}})
    assert retried_from_stream(lambda: handler({"Records": [accented]}), [accented]) == []
    world.apply()
    world.require_equal()


def check_refused_entries(world: Orders, handler: Handler) -> None:
    world.sqs.refuse = lambda entry: "InternalError"
    records = [world.write(key("b")), world.write(key("c"))]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert retried_from_stream(lambda: handler({"Records": records}), records) == numbers


@pytest.mark.parametrize("check", [check_large_item, check_refused_entries])
def test_08_what_cannot_be_sent_holds_the_stream(
    monkeypatch: pytest.MonkeyPatch, check: Callable[[Orders, Handler], None]
) -> None:
    world = Orders()
    processor = StreamProcessor(world.control, world.queue, map, world.aws.clock, world.aws.clock.sleep)
    monkeypatch.setattr(stream_processor, "_parts", lambda: (processor, None, None))
    check(world, lambda event: stream_processor.handler(event, None))


@pytest.mark.parametrize("check", [check_large_item, check_refused_entries])
def test_08_logging_a_failed_send_is_caught(check: Callable[[Orders, Handler], None]) -> None:
    world = Orders()

    def naive(event: dict[str, Any]) -> dict[str, Any]:
        for record in event["Records"]:
            number = record["dynamodb"]["SequenceNumber"]
            entry = {"Id": "0", "MessageBody": json.dumps(record), "MessageGroupId": "g"}
            try:
                world.sqs.send_message_batch(QueueUrl=world.url, Entries=[{**entry, "MessageDeduplicationId": number}])
            except ClientError as error:
                print(f"logged: {error}")
        return {"statusCode": 200}

    with pytest.raises(AssertionError):
        check(world, naive)


# 9: deduplication by content and a timestamp of one second


def check_a_b_a(carry: Carrier) -> None:
    world = Orders()
    a, b = ({**key("x"), "v": {"S": version}} for version in "ab")
    carry(world, [[world.write(a)], [world.write(b)], [world.write(a)]])
    world.require_equal()


def check_put_delete_put(carry: Carrier) -> None:
    world = Orders()
    carry(world, [[world.write(key("x"))], [world.remove(key("x"))], [world.write(key("x"))]])
    world.require_equal()


def by_content(world: World, batches: Sequence[Sequence[Record]]) -> None:
    """Send with an id of new image and second, then apply in the queue's order."""
    for record in (record for batch in batches for record in batch):
        body = record["dynamodb"]
        image = json.dumps(body.get("NewImage"), sort_keys=True)
        id = hashlib.md5(f"{image}{body['ApproximateCreationDateTime']}".encode()).hexdigest()
        entry = {"Id": "0", "MessageBody": json.dumps(record), "MessageGroupId": "g", "MessageDeduplicationId": id}
        world.sqs.send_message_batch(QueueUrl=world.url, Entries=[entry])
    for message in world.sqs.queues[world.url].messages:
        record = json.loads(message.body)
        delete(world, key_of(record)) if record["eventName"] == "REMOVE" else put(world, image_of(record))


@pytest.mark.parametrize("check", [check_a_b_a, check_put_delete_put])
def test_09_a_b_a_within_a_second_ends_as_a(check: Callable[[Carrier], None]) -> None:
    check(product)


@pytest.mark.parametrize("check", [check_a_b_a, check_put_delete_put])
def test_09_deduplication_by_content_is_caught(check: Callable[[Carrier], None]) -> None:
    with pytest.raises(AssertionError):
        check(by_content)


# 11: the message group is an attribute called pk, or one for all


def check_groups(carry: Carrier) -> None:
    world = Orders((("pk", "S"), ("at", "N")))
    names = ["a b", "ключ", "x" * 200, "plain", "\x00"]
    keys = [{"pk": {"S": name}, "at": {"N": str(at)}} for name in names for at in (1, 2)]
    records = [world.write(item) for item in keys]
    carry(world, [records])
    groups = {entry["MessageGroupId"] for entry in world.sqs.queues[world.url].accepted}
    world.require_equal()
    assert len(groups) == len(keys)


def test_11_every_key_has_a_group_that_sqs_takes() -> None:
    check_groups(product)


@pytest.mark.parametrize("attribute", ["pk", "id"])
def test_11_a_group_of_an_attributes_text_is_caught(attribute: str) -> None:
    def naive(world: World, batches: Sequence[Sequence[Record]]) -> None:
        for record in (record for batch in batches for record in batch):
            group = record["dynamodb"]["Keys"].get(attribute, {"S": "default"})["S"]
            number = record["dynamodb"]["SequenceNumber"]
            entry = {"Id": "0", "MessageBody": json.dumps(record), "MessageGroupId": group}
            world.sqs.send_message_batch(QueueUrl=world.url, Entries=[{**entry, "MessageDeduplicationId": number}])
        for message in world.sqs.queues[world.url].messages:
            put(world, image_of(json.loads(message.body)))

    with pytest.raises(AssertionError):
        check_groups(naive)


# 12: capture begins at LATEST and is not waited for


def check_start(settings: dict[str, Any]) -> None:
    world = Orders()
    while_created, afterwards = [world.write(key("a"))], [world.write(key("b"))]
    product(world, [[dict(record) for record in seen(settings, while_created, afterwards)]])
    world.require_equal()


def test_12_what_is_written_while_capture_starts_is_captured() -> None:
    world = Orders()
    Mappings(world.aws.functions).ensure_stream("function", world.stream_arn)
    (mapping,) = world.aws.functions.mappings.values()
    check_start(mapping)


def test_12_starting_at_latest_is_caught() -> None:
    with pytest.raises(AssertionError):
        check_start({"StartingPosition": "LATEST"})


def test_12_the_bulk_load_waits_until_capture_has_settled() -> None:
    migration = Migration()
    migration.aws.functions.slow = True
    assert Caller(migration, start_capture.run).once()["done"]
    waiting = Caller(migration, settle.run)
    assert not waiting.once()["done"]
    migration.aws.functions.settle()
    assert waiting.until_done()["done"]
    assert sum(waiting.waits) >= settle.SETTLE_SECONDS


def test_the_records_of_these_checks_are_as_lambda_delivers_them() -> None:
    record = Orders((("pk", "B"),)).write(ALL_TYPES)
    assert record == as_json(record)
    assert record["dynamodb"]["Keys"]["pk"]["B"] == base64.b64encode(b"\x00\xff").decode()
