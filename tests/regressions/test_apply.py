"""AWS's public sample loses data at apply; each defect as a check that it fails and the product passes.

The numbers are those of the project's list of the sample's defects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddb_migration.aws.dead_letters import DeadLetters
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.rereads import Rereads
from ddb_migration.core.deadline import Deadline
from ddb_migration.core.message import decode
from reread.redrive import Redrive
from tests.fakes.client_errors import client_error
from tests.fakes.sqs import event_records
from tests.fidelity.paths import EPOCH, EXECUTION
from tests.regressions.lambda_rules import delivered, kept_in_queue
from tests.regressions.orders import Orders, key

Records = Sequence[Mapping[str, Any]]
Handler = Callable[[Records], Any]

TEMPLATE = json.loads((Path(__file__).parents[1] / "construct" / "template.json").read_text())
DENIED = client_error("PutItem", "AccessDeniedException", "not now")


def queued(world: Orders, *names: str) -> list[dict[str, Any]]:
    """Let items be written and captured, and receive their messages as Lambda does."""
    world.capture([world.write({**key(name), "v": {"S": name}}) for name in names])
    world.control.set_once(EXECUTION, apply_started=1, barrier_at=1)
    return event_records(world.sqs.receive_message(QueueUrl=world.url, MaxNumberOfMessages=10))


def product(world: Orders) -> Handler:
    """WriteCdc's answer, as its handler gives it."""

    def handler(records: Records) -> dict[str, Any]:
        failures = world.write_cdc().process(records, Deadline(float("inf")))
        return {"batchItemFailures": [{"itemIdentifier": failure} for failure in failures]}

    return handler


def image_of(record: Mapping[str, Any]) -> Any:
    return decode(record["body"]).image


# 4: the mapping of the queue has a filter that SQS's mappings do not know


def check_filter(settings: Mapping[str, Any]) -> None:
    world = Orders()
    records = queued(world, "a", "b")
    product(world)(delivered(settings, records))
    world.require_equal()


def test_04_the_queues_mapping_delivers_every_message() -> None:
    world = Orders()
    Mappings(world.aws.functions).ensure_queue("function", "arn:queue", 100)
    (mapping,) = world.aws.functions.mappings.values()
    check_filter(mapping)


def test_04_a_filter_by_timestamp_is_caught() -> None:
    pattern = json.dumps({"timestamp": [{"numeric": [">", 1_700_000_000]}]})
    with pytest.raises(AssertionError):
        check_filter({"FilterCriteria": {"Filters": [{"Pattern": pattern}]}})


# 5 and 6: failures of a few messages, and of the whole call, are told in a way that Lambda takes for success


def check_one_failure(make: Callable[[Orders], Handler]) -> None:
    world = Orders()
    records = queued(world, "a", "b", "c")

    def deny(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "PutItem" and request["TableName"] == world.destination and request["Item"]["id"]["S"] == "b":
            raise DENIED

    world.dynamodb.hooks.append(deny)
    handler = make(world)
    assert kept_in_queue(lambda: handler(records), records) == [records[1]["messageId"]]
    arrived = {item["id"]["S"] for item in world.dynamodb.scan(TableName="destination")["Items"]}
    assert arrived == {"a", "c"}


def test_05_exactly_the_failed_message_stays_in_the_queue() -> None:
    check_one_failure(product)


def test_05_results_that_name_no_message_are_caught() -> None:
    def naive(world: Orders) -> Handler:
        def handler(records: Records) -> dict[str, Any]:
            failed = []
            for record in records:
                item = dict(image_of(record))
                try:
                    world.dynamodb.put_item(TableName=world.destination, Item=item)
                except ClientError:
                    failed.append(item)
            try:
                return {"batchItemFailures": [{"itemIdentifier": item["sqs_message_id"]} for item in failed]}
            except KeyError:
                return {"statusCode": 500}

        return handler

    with pytest.raises(AssertionError):
        check_one_failure(naive)


def check_all_fail(make: Callable[[Orders], Handler]) -> None:
    world = Orders()
    records = queued(world, "a", "b")
    world.dynamodb.fail("PutItem", *[DENIED] * 50)
    world.dynamodb.fail("BatchWriteItem", DENIED)
    handler = make(world)
    assert kept_in_queue(lambda: handler(records), records) == [record["messageId"] for record in records]


def test_06_when_every_write_fails_every_message_stays() -> None:
    check_all_fail(product)


def in_one_batch(world: Orders) -> Handler:
    """Write all messages of a call by one BatchWriteItem, and answer an error with a status code."""

    def handler(records: Records) -> dict[str, Any]:
        puts = [{"PutRequest": {"Item": image_of(record)}} for record in records]
        try:
            world.dynamodb.batch_write_item(RequestItems={world.destination: puts})
        except ClientError:
            return {"statusCode": 500}
        return {"statusCode": 200}

    return handler


def test_06_answering_500_is_caught() -> None:
    with pytest.raises(AssertionError):
        check_all_fail(in_one_batch)


# 7: dead letters are sent without a message group, which a FIFO queue refuses


def queue_properties(name: str) -> dict[str, Any]:
    """A queue of the template, by the beginning of its logical ID behind the migration's."""
    return next(
        found["Properties"]
        for id, found in TEMPLATE["Resources"].items()
        if found["Type"] == "AWS::SQS::Queue" and id[: -len("01234567")].endswith(name)
    )


def test_07_sqs_itself_moves_what_is_received_too_often() -> None:
    assert queue_properties("MigrationChangeQueue")["RedrivePolicy"]["maxReceiveCount"] == 1000
    assert queue_properties("ChangeQueueDeadLetterQueue")["FifoQueue"] is True


def check_dead_letter(handle: Callable[[Orders, dict[str, Any]], object]) -> None:
    """A message that cannot be applied has to be somewhere: in its queue or in the dead-letter queue."""
    world = Orders()
    (record,) = queued(world, "a")
    broken = {**record, "body": "not ours"}
    kept = kept_in_queue(lambda: handle(world, broken), [broken])
    assert kept or world.sqs.queues[world.dead_url].messages


def test_07_what_cannot_be_read_is_not_lost() -> None:
    check_dead_letter(lambda world, record: product(world)([record]))


def test_07_a_dead_letter_without_a_group_is_caught() -> None:
    def naive(world: Orders, record: dict[str, Any]) -> dict[str, Any]:
        try:
            entry = {"Id": "0", "MessageBody": record["body"]}
            world.sqs.send_message_batch(QueueUrl=world.dead_url, Entries=[entry])
        except KeyError as missing:
            print(f"logged: MissingParameter {missing}")
        return {"statusCode": 200}

    with pytest.raises(AssertionError):
        check_dead_letter(naive)


def test_07_what_a_redrive_sends_has_group_and_id() -> None:
    world = Orders()
    (record,) = queued(world, "a")
    letter = {"Id": "0", "MessageBody": record["body"], "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    world.sqs.send_message_batch(QueueUrl=world.dead_url, Entries=[letter])
    clock = world.aws.clock
    letters, rereads = DeadLetters(world.sqs, world.dead_url), Rereads(world.queue, EPOCH, clock.sleep)
    assert Redrive(letters, rereads, EPOCH, clock).run(clock() + 1)["sent"] == 1
    first, second = world.sqs.queues[world.url].accepted
    assert second["MessageGroupId"] == first["MessageGroupId"]
    assert second["MessageDeduplicationId"] != first["MessageDeduplicationId"]


# 10: two changes of one key in one BatchWriteItem, which DynamoDB rejects as a whole


def check_two_changes_of_a_key(make: Callable[[Orders], Handler]) -> None:
    world = Orders()
    for version in ("1", "2"):
        world.capture([world.write({**key("a"), "v": {"N": version}})])
    world.capture([world.write(key("b"))])
    world.control.set_once(EXECUTION, apply_started=1, barrier_at=1)
    received = world.sqs.receive_message(QueueUrl=world.url, MaxNumberOfMessages=10)
    records = event_records(received)
    assert len(records) == 3
    handler = make(world)
    assert kept_in_queue(lambda: handler(records), records) == []
    world.require_equal()


def test_10_two_changes_of_a_key_in_one_call_are_applied() -> None:
    check_two_changes_of_a_key(product)


def test_10_one_batch_for_all_messages_is_caught() -> None:
    with pytest.raises(AssertionError):
        check_two_changes_of_a_key(in_one_batch)


# 17: retention is four days unless it is set

# SQS API, SetQueueAttributes.
DEFAULT_RETENTION = 345_600
DAY = 86_400


def check_retention(properties: Mapping[str, Any]) -> None:
    """A change waits through the longest run of a job, its repetition of half a week, and a weekend."""
    (minutes,) = {found["Properties"]["Timeout"] for found in TEMPLATE["Resources"].values() if is_job(found)}
    waits = minutes * 60 + 3.5 * DAY + 2.5 * DAY
    assert waits <= properties.get("MessageRetentionPeriod", DEFAULT_RETENTION)


def is_job(resource: Mapping[str, Any]) -> bool:
    return bool(resource["Type"] == "AWS::Glue::Job")


@pytest.mark.parametrize("queue", ["MigrationChangeQueue", "ChangeQueueDeadLetterQueue"])
def test_17_changes_wait_for_as_long_as_a_bulk_load_can_take(queue: str) -> None:
    check_retention(queue_properties(queue))


def test_17_the_default_retention_is_caught() -> None:
    with pytest.raises(AssertionError):
        check_retention({})
