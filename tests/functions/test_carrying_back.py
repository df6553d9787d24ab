"""The functions of the reverse path: they let go before the cut-over, and carry back from it on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.dead_letters import DeadLetters
from ddb_migration.aws.late_changes import LateChangeRows
from ddb_migration.aws.progress import CAPTURE, Progress
from ddb_migration.aws.rereads import Reread, Rereads
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.tables import Destination, Source, Tables
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.change import Change
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.deadline import Deadline
from ddb_migration.core.message import encode
from ddb_migration.core.watermark import mark
from reread.handler import Parts as RereadParts
from reread.handler import accept, redrive, reread
from reread.pausing import Pausing
from stream_processor.handler import StreamProcessor
from stream_processor.tripwire import OWN_WRITE_SECONDS
from tests.fakes.making import create_queue
from tests.fakes.sqs import event_records
from tests.functions.migration import QUEUE_ARN, WRITER
from tests.functions.rolling import REVERSE_QUEUE_ARN, REVERSE_WRITER, Rolling, cut_over, rolling_back
from tests.functions.test_stream_processor import BASE, record
from write_cdc.handler import WriteCdc


class Carrying:
    """A migration with a way back, and the functions of both paths."""

    def __init__(self, cuts_over: bool = True) -> None:
        self.rolling = rolling = Rolling()
        aws, self.clock = rolling.aws, rolling.clock
        self.capture = StreamProcessor(rolling.control, rolling.migration.queue, map, self.clock, self.clock.sleep)
        self.capture_back = StreamProcessor(rolling.reverse, rolling.reverse_queue, map, self.clock, self.clock.sleep)
        self.apply_back = WriteCdc(
            rolling.reverse,
            Rows(aws.dynamodb, "control"),
            Source(aws.dynamodb, rolling.migration.destination),
            Destination(aws.dynamodb, rolling.migration.source),
            rolling.reverse_queue,
            map,
            self.clock,
            self.clock.sleep,
        )
        self.queue_back = aws.sqs.queues[rolling.reverse_queue_url]
        if cuts_over:
            cut_over(rolling)

    def change_back(self, *records: Mapping[str, Any]) -> None:
        """Changes of the destination arrive at ReverseStreamProcessor."""
        now = self.clock()
        for body in records:
            body["dynamodb"]["ApproximateCreationDateTime"] = now
        assert self.capture_back.process(records) == []

    def deliver_back(self) -> list[str]:
        """ReverseWriteCdc is given all that waits; return what comes back."""
        url, sqs = self.rolling.reverse_queue_url, self.rolling.aws.sqs
        records = event_records(sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10))
        failed = self.apply_back.process(records, Deadline.of(30.0, self.clock))
        done = [record for record in records if record["messageId"] not in failed]
        entries = [{"Id": record["messageId"], "ReceiptHandle": record["receiptHandle"]} for record in done]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        return failed

    def item(self, name: str) -> Any:
        found = self.rolling.aws.dynamodb.get_item(TableName="source", Key={"pk": {"S": name}})
        return found.get("Item")

    def late(self) -> int:
        return LateChangeRows(self.rolling.control.rows, str(self.rolling.record.epoch)).found().keys


@pytest.fixture
def carrying() -> Carrying:
    return Carrying()


def test_before_the_cut_over_what_the_migration_writes_is_let_go() -> None:
    carrying = Carrying(cuts_over=False)
    carrying.change_back(record("a", 1, 7))
    assert carrying.queue_back.messages == []
    # How far behind capture is must be known all the same.
    epoch = str(carrying.rolling.back.epoch)
    progress = Progress(carrying.rolling.control.rows, epoch)
    assert len(progress.reports(CAPTURE)) == 1
    assert not progress.totals().get("captured")


def test_before_the_cut_over_nothing_is_written_to_the_source() -> None:
    carrying = Carrying(cuts_over=False)
    change = Change.from_record(record("a", 1, 7))
    carrying.rolling.aws.sqs.send_message_batch(
        QueueUrl=carrying.rolling.reverse_queue_url,
        Entries=[
            {
                "Id": "0",
                "MessageBody": encode(str(carrying.rolling.back.epoch), change),
                "MessageGroupId": "g",
                "MessageDeduplicationId": "d",
            }
        ],
    )
    with pytest.raises(MigrationStopped, match="the barrier has not been passed"):
        carrying.deliver_back()
    assert carrying.item("a") is None


def test_from_the_cut_over_on_changes_are_carried_back(carrying: Carrying) -> None:
    carrying.change_back(record("a", 1, 7))
    assert carrying.deliver_back() == []
    assert carrying.item("a") == {"pk": {"S": "a"}, "v": {"N": "7"}}
    carrying.change_back(record("a", 2, event="REMOVE"))
    assert carrying.deliver_back() == []
    assert carrying.item("a") is None


def test_the_two_paths_have_watermarks_of_their_own(carrying: Carrying) -> None:
    """Numbers of one stream mean nothing among those of the other."""
    rolling = carrying.rolling
    forward = Watermarks(rolling.control.rows, rolling.migration.stream_arn, carrying.clock)
    forward.raise_to({"pk": {"S": "a"}}, mark(str(BASE * 9)))
    carrying.change_back(record("a", 1, 7))
    carrying.deliver_back()
    assert carrying.item("a") is not None
    assert forward.number({"pk": {"S": "a"}}) == mark(str(BASE * 9))


def test_the_tripwire_does_not_take_what_was_carried_back_for_a_late_change(carrying: Carrying) -> None:
    carrying.change_back(record("a", 1, 7))
    carrying.deliver_back()
    body = record("a", 5, 7)
    body["dynamodb"]["ApproximateCreationDateTime"] = carrying.clock()
    carrying.capture.process([body])
    assert carrying.late() == 0


def test_the_tripwire_tells_of_a_stranger_although_the_key_was_carried_back_once(carrying: Carrying) -> None:
    carrying.change_back(record("a", 1, 7))
    carrying.deliver_back()
    carrying.clock.sleep(OWN_WRITE_SECONDS + 1)
    body = record("a", 5, 8)
    body["dynamodb"]["ApproximateCreationDateTime"] = carrying.clock()
    carrying.capture.process([body])
    assert carrying.late() == 1


def test_the_tripwire_tells_of_a_key_that_nobody_carried_back(carrying: Carrying) -> None:
    body = record("b", 5, 8)
    body["dynamodb"]["ApproximateCreationDateTime"] = carrying.clock()
    carrying.capture.process([body])
    assert carrying.late() == 1


def test_after_a_roll_back_the_source_is_in_use_and_the_destination_is_watched(carrying: Carrying) -> None:
    rolling = carrying.rolling
    assert rolling_back(rolling).to_end()["cut_over"]
    body = record("b", 5, 8)
    body["dynamodb"]["ApproximateCreationDateTime"] = carrying.clock()
    carrying.capture.process([body])
    assert carrying.late() == 0
    carrying.change_back(record("c", 6, 9))
    assert carrying.queue_back.messages == []
    assert LateChangeRows(rolling.control.rows, str(rolling.back.epoch)).found().keys == 1
    with pytest.raises(MigrationStopped, match="has rolled back"):
        carrying.deliver_back()


# --- rereads ----------------------------------------------------------------------------------------------------


def rereading(carrying: Carrying) -> RereadParts:
    rolling = carrying.rolling
    aws, mappings = rolling.aws, rolling.migration.mappings
    dead = create_queue(aws.sqs, "dead")
    dead_back = create_queue(aws.sqs, "dead-back")
    reverse = RereadParts(
        rolling.migration.destination,
        rolling.reverse,
        Tables(aws.dynamodb),
        rolling.reverse_queue,
        DeadLetters(aws.sqs, dead_back),
        Pausing(rolling.reverse, mappings, REVERSE_WRITER, REVERSE_QUEUE_ARN, carrying.clock),
        carrying.clock,
        carrying.clock.sleep,
    )
    return RereadParts(
        rolling.migration.source,
        rolling.control,
        Tables(aws.dynamodb),
        ChangeQueue(aws.sqs, rolling.migration.queue_url),
        DeadLetters(aws.sqs, dead),
        Pausing(rolling.control, mappings, WRITER, QUEUE_ARN, carrying.clock),
        carrying.clock,
        carrying.clock.sleep,
        reverse,
    )


def test_after_the_cut_over_a_reread_reads_the_destination(carrying: Carrying) -> None:
    carrying.rolling.aws.dynamodb.put_item(TableName="destination", Item={"pk": {"S": "a"}, "v": {"N": "1"}})
    assert reread(rereading(carrying), {"keys": [{"pk": {"S": "a"}}]}) == {"sent": 1, "not_sent": 0}
    assert carrying.deliver_back() == []
    assert carrying.item("a") == {"pk": {"S": "a"}, "v": {"N": "1"}}
    assert redrive(rereading(carrying), {})["done"]


def test_before_the_cut_over_a_reread_reads_the_source() -> None:
    carrying = Carrying(cuts_over=False)
    reread(rereading(carrying), {"keys": [{"pk": {"S": "a"}}]})
    assert carrying.queue_back.messages == []
    assert len(carrying.rolling.aws.sqs.queues[carrying.rolling.migration.queue_url].messages) == 1


def test_a_key_that_the_source_rejects_is_parked_on_the_reverse_path_and_accepted_there(carrying: Carrying) -> None:
    key = {"pk": {"S": "a"}}
    epoch = str(carrying.rolling.back.epoch)
    # The index of `city` holds texts, and nothing else.
    carrying.change_back(record("a", 1, NewImage={**key, "city": {"N": "1"}}))
    assert carrying.deliver_back() == []
    assert carrying.rolling.reverse.parked(epoch) == 1
    assert carrying.rolling.control.parked(str(carrying.rolling.record.epoch)) == 0
    told = {"key": key, "reason": "of no use", "by": "ann"}
    assert accept(rereading(carrying), told) == {"accepted": True}
    assert carrying.rolling.reverse.parked(epoch) == 0


def test_what_the_migration_wrote_before_the_cut_over_is_not_late_after_a_roll_back(carrying: Carrying) -> None:
    rolling = carrying.rolling
    cut_over_at = float(rolling.record.cut_over_at or 0)
    rolling_back(rolling).to_end()
    for number, created in ((5, cut_over_at - 60), (6, cut_over_at + 1)):
        body = record("b", number, 8)
        body["dynamodb"]["ApproximateCreationDateTime"] = created
        carrying.capture_back.process([body])
        expected = int(created > cut_over_at)
        assert LateChangeRows(rolling.control.rows, str(rolling.back.epoch)).found().keys == expected


def test_after_a_roll_back_nothing_is_read_again(carrying: Carrying) -> None:
    rolling_back(carrying.rolling).to_end()
    with pytest.raises(MigrationStopped, match="has rolled back: the destination is no longer the table"):
        reread(rereading(carrying), {"keys": [{"pk": {"S": "a"}}]})


def test_a_repair_of_the_reverse_path_is_no_late_change_of_the_source(carrying: Carrying) -> None:
    key = {"pk": {"S": "a"}}
    carrying.change_back(record("a", 1, 7))
    carrying.deliver_back()
    carrying.clock.sleep(OWN_WRITE_SECONDS * 3)
    marked = Watermarks(carrying.rolling.control.rows, carrying.rolling.destination_stream, carrying.clock).number(key)
    Rereads(carrying.rolling.reverse_queue, str(carrying.rolling.back.epoch)).send([Reread(key)])
    carrying.deliver_back()
    body = record("a", 9, 7)
    body["dynamodb"]["ApproximateCreationDateTime"] = carrying.clock()
    carrying.capture.process([body])
    assert carrying.late() == 0
    after = Watermarks(carrying.rolling.control.rows, carrying.rolling.destination_stream, carrying.clock)
    assert after.number(key) == marked, "it stands for no change"
