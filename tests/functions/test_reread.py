from __future__ import annotations

import json
from typing import Any

import pytest

from ddb_migration import names
from ddb_migration.aws.dead_letters import DeadLetters
from ddb_migration.aws.rereads import ATTEMPTS
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.tables import Destination, Source, Tables
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.change import PUT, REREAD, Change
from ddb_migration.core.deadline import Deadline
from ddb_migration.core.item_key import message_group, watermark_id
from ddb_migration.core.message import Message, decode, encode, encode_reread
from ddb_migration.core.watermark import mark_above
from reread import handler as reread_handler
from reread.handler import PASS_SECONDS, Parts, handler
from reread.pausing import Pausing
from tests.fakes.client_errors import client_error
from tests.fakes.dynamodb import items_of
from tests.fakes.making import create_queue
from tests.fakes.sqs import event_records
from tests.functions.migration import EXECUTION, QUEUE_ARN, WRITER, Migration
from write_cdc.handler import WriteCdc

BASE = 10**20
EPOCH = "e1"


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}}


class Repairing:
    """A migration behind its barrier, its dead-letter queue, Reread and WriteCdc."""

    def __init__(self, migration: Migration) -> None:
        self.migration = migration
        self.dynamodb, self.sqs = migration.aws.dynamodb, migration.aws.sqs
        migration.open(barrier_at=1)
        self.dead_url = create_queue(self.sqs, "dead")
        self.queue, self.dead = self.sqs.queues[migration.queue_url], self.sqs.queues[self.dead_url]
        self.parts = Parts(
            migration.source,
            migration.control,
            Tables(self.dynamodb),
            migration.queue,
            DeadLetters(self.sqs, self.dead_url),
            Pausing(migration.control, migration.mappings, WRITER, QUEUE_ARN, migration.clock),
            migration.clock,
            migration.clock.sleep,
        )
        self.write_cdc = WriteCdc(
            migration.control,
            Rows(self.dynamodb, "control"),
            Source(self.dynamodb, migration.source),
            Destination(self.dynamodb, migration.destination),
            migration.queue,
            map,
            migration.clock,
            migration.clock.sleep,
        )
        self._letters = 0

    def call(self, **event: Any) -> dict[str, Any]:
        return handler(event, None)

    def source(self, name: str, **attributes: Any) -> None:
        self.dynamodb.put_item(TableName="source", Item={**key(name), **attributes})

    def change(self, name: str, number: int, **attributes: Any) -> str:
        change = Change(str(BASE + number), PUT, key(name), {**key(name), **attributes}, 17.0)
        return encode(EPOCH, change)

    def bury(self, body: str, group: str = "group") -> None:
        """Put a message into the dead-letter queue, as SQS does."""
        self._letters += 1
        entry = {"Id": "0", "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": f"d{self._letters}"}
        self.sqs.send_message_batch(QueueUrl=self.dead_url, Entries=[entry])

    def queue_change(self, body: str) -> None:
        self._letters += 1
        group = message_group(decode(body).key)
        entry = {"Id": "0", "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": f"c{self._letters}"}
        self.sqs.send_message_batch(QueueUrl=self.migration.queue_url, Entries=[entry])

    def queued(self) -> list[Message]:
        return [decode(message.body) for message in self.queue.messages]

    def apply(self) -> None:
        """Let WriteCdc take all that is in the change queue."""
        url = self.migration.queue_url
        while received := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10):
            assert self.write_cdc.process(event_records(received), Deadline(float("inf"))) == []
            entries = [{"Id": "0", "ReceiptHandle": each["ReceiptHandle"]} for each in received["Messages"]]
            self.sqs.delete_message_batch(QueueUrl=url, Entries=entries)

    def equal(self) -> bool:
        source, destination = (items_of(self.dynamodb, table) for table in ("source", "destination"))
        return sorted(map(str, source)) == sorted(map(str, destination))

    def parked(self) -> int:
        return self.migration.control.parked(EPOCH)

    def accepted(self) -> int:
        return self.migration.control.parked(names.ACCEPTED + EPOCH)

    def row(self, name: str) -> dict[str, Any]:
        return self.migration.control.rows.get(watermark_id(self.migration.stream_arn, key(name)), "watermark")


@pytest.fixture
def repairing(migration: Migration, monkeypatch: pytest.MonkeyPatch) -> Repairing:
    repairing = Repairing(migration)
    monkeypatch.setattr(reread_handler, "_parts", lambda: repairing.parts)
    return repairing


# Keys


def test_keys_go_through_their_own_groups_as_rereads_of_no_change(repairing: Repairing) -> None:
    assert repairing.call(action="reread", keys=[key("a"), key("b")]) == {"refused": None, "sent": 2, "not_sent": 0}
    assert repairing.queued() == [Message(EPOCH, REREAD, key(name)) for name in "ab"]
    assert [message.group for message in repairing.queue.messages] == [message_group(key(name)) for name in "ab"]


def test_the_same_key_again_within_five_minutes_is_another_reread(repairing: Repairing) -> None:
    repairing.source("a", v={"N": "1"})
    repairing.call(action="reread", keys=[key("a")])
    repairing.apply()
    repairing.source("a", v={"N": "2"})
    repairing.call(action="reread", keys=[key("a")])
    repairing.apply()
    assert repairing.equal()


def test_a_reread_puts_what_is_there_and_deletes_what_is_not(repairing: Repairing) -> None:
    repairing.source("there", v={"N": "1"})
    repairing.dynamodb.put_item(TableName="destination", Item=key("gone"))
    repairing.call(action="reread", keys=[key("there"), key("gone")])
    repairing.apply()
    assert repairing.equal()


def test_a_reread_by_hand_leaves_the_watermark(repairing: Repairing) -> None:
    repairing.queue_change(repairing.change("a", 5, v={"N": "5"}))
    repairing.apply()
    before = repairing.row("a")["number"]
    repairing.source("a", v={"N": "9"})
    repairing.call(action="reread", keys=[key("a")])
    repairing.apply()
    assert repairing.equal()
    assert repairing.row("a")["number"] == before


@pytest.mark.parametrize("event", [{"action": "reread", "keys": []}, {"action": "redrive"}])
def test_after_the_cut_over_nothing_is_read_again(repairing: Repairing, event: dict[str, Any]) -> None:
    repairing.migration.control.set_once(EXECUTION, cut_over_at=1.0)
    assert "the migration has cut over" in repairing.call(**event)["refused"]
    assert repairing.queued() == []


def test_what_the_queue_refuses_is_told(repairing: Repairing) -> None:
    refused = message_group(key("b"))
    repairing.sqs.refuse = lambda entry: "InternalError" if entry["MessageGroupId"] == refused else None
    assert repairing.call(action="reread", keys=[key("a"), key("b")]) == {"refused": None, "sent": 1, "not_sent": 1}


def test_a_call_that_fails_is_repeated(repairing: Repairing) -> None:
    repairing.sqs.fail("SendMessageBatch", *[client_error("SendMessageBatch", "ServiceUnavailable")] * (ATTEMPTS - 1))
    assert repairing.call(action="reread", keys=[key("a")])["sent"] == 1


@pytest.mark.parametrize(
    "given",
    [
        {},
        "a",
        None,
        {"id": {"S": "a"}},
        {"pk": {"S": "a"}, "sk": {"S": "b"}},
        {"pk": "a"},
        {"pk": {"N": "1"}},
        {"pk": {"S": ""}},
        {"pk": {"S": 1}},
        {"pk": {"S": "a", "N": "1"}},
    ],
)
def test_what_is_no_key_of_the_source_is_refused_with_the_good_ones(repairing: Repairing, given: Any) -> None:
    answer = repairing.call(action="reread", keys=[key("a"), given])
    assert "its keys look like" in answer["refused"]
    assert json.dumps(given) in answer["refused"]
    assert repairing.queued() == []


def test_nothing_is_sent_when_no_epoch_is_open(repairing: Repairing) -> None:
    repairing.migration.control.begin_abort(str(repairing.migration.control.read().epoch))
    repairing.bury(repairing.change("a", 1))
    for event in ({"action": "reread", "keys": [key("a")]}, {"action": "redrive"}):
        assert repairing.call(**event)["refused"].startswith("the migration is aborting, not open; ")
    assert repairing.queued() == []
    assert len(repairing.dead.messages) == 1


# Dead letters


def test_a_dead_letter_becomes_a_reread_that_stands_for_its_change(repairing: Repairing) -> None:
    repairing.bury(repairing.change("a", 7, v={"N": "7"}))
    answer = repairing.call(action="redrive")
    assert answer == {"refused": None, "done": True, "sent": 1, "not_sent": 0, "discarded": 0, "unreadable": []}
    assert repairing.queued() == [Message(EPOCH, REREAD, key("a"), str(BASE + 7), None, 17.0)]
    assert repairing.dead.messages == []


def test_a_redriven_change_refuses_late_copies_of_itself(repairing: Repairing) -> None:
    body = repairing.change("a", 7, v={"N": "7"})
    repairing.source("a", v={"N": "8"})
    repairing.bury(body)
    repairing.call(action="redrive")
    repairing.apply()
    assert repairing.row("a")["number"] == mark_above(str(BASE + 7))
    repairing.queue_change(body)
    repairing.apply()
    assert repairing.equal()


def test_a_letter_older_than_what_was_applied_since_changes_nothing(repairing: Repairing) -> None:
    repairing.source("a", v={"N": "8"})
    repairing.queue_change(repairing.change("a", 8, v={"N": "8"}))
    repairing.bury(repairing.change("a", 7, v={"N": "7"}))
    repairing.apply()
    before = repairing.row("a")
    repairing.call(action="redrive")
    repairing.apply()
    assert repairing.equal()
    assert repairing.row("a") == before


def test_a_dead_reread_stays_what_it_was(repairing: Repairing) -> None:
    repairing.bury(encode_reread(EPOCH, key("a")), "g1")
    repairing.bury(encode_reread(EPOCH, key("b"), str(BASE + 1), 3.0), "g2")
    repairing.call(action="redrive")
    expected = [Message(EPOCH, REREAD, key("a")), Message(EPOCH, REREAD, key("b"), str(BASE + 1), None, 3.0)]
    assert repairing.queued() == expected


def test_a_letter_whose_reread_is_not_taken_stays(repairing: Repairing) -> None:
    refused = message_group(key("b"))
    repairing.sqs.refuse = lambda entry: "InternalError" if entry["MessageGroupId"] == refused else None
    repairing.bury(repairing.change("a", 1), "g1")
    repairing.bury(repairing.change("b", 1), "g2")
    answer = repairing.call(action="redrive")
    assert (answer["sent"], answer["not_sent"]) == (1, 1)
    assert [decode(message.body).key for message in repairing.dead.messages] == [key("b")]


def test_nothing_is_deleted_before_it_is_sent(repairing: Repairing) -> None:
    repairing.bury(repairing.change("a", 1))
    order = repairing.sqs.operations
    repairing.call(action="redrive")
    sent = len(order()) - order()[::-1].index("SendMessageBatch")
    assert "DeleteMessageBatch" not in order()[: sent - 1]


def test_letters_of_another_epoch_go_and_unreadable_ones_stay(repairing: Repairing) -> None:
    repairing.bury(encode_reread("e0", key("a")), "g1")
    repairing.bury("not ours", "g2")
    answer = repairing.call(action="redrive")
    assert (answer["discarded"], answer["sent"]) == (1, 0)
    assert answer["unreadable"] == [f"message-{repairing.dead.messages[0].number}"]
    assert repairing.queued() == []


def test_many_letters_of_many_groups_are_all_redriven(repairing: Repairing) -> None:
    for number in range(37):
        repairing.bury(repairing.change(f"k{number % 9}", number), f"g{number % 9}")
    assert repairing.call(action="redrive")["sent"] == 37
    assert repairing.dead.messages == []
    assert len(repairing.queue.messages) == 37


def test_a_pass_ends_in_time_and_says_that_more_is_left(repairing: Repairing) -> None:
    for number in range(25):
        repairing.bury(repairing.change(f"k{number}", number), f"g{number}")
    repairing.sqs.before("SendMessageBatch", lambda: repairing.migration.clock.sleep(PASS_SECONDS), when=1)
    first = repairing.call(action="redrive")
    assert (first["done"], first["sent"]) == (False, 10)
    assert repairing.call(action="redrive")["sent"] == 15


# Parked keys, settled in each of the three ways


@pytest.fixture
def parked(repairing: Repairing) -> Repairing:
    """The destination has an index that the source lacks, and it rejects a numeric city."""
    repairing.dynamodb.tables["source"].indexes.clear()
    repairing.source("a", city={"N": "1"})
    repairing.queue_change(repairing.change("a", 1, city={"N": "1"}))
    repairing.apply()
    assert repairing.parked() == 1
    return repairing


def test_a_parked_key_is_settled_by_a_higher_number(parked: Repairing) -> None:
    parked.source("a", city={"S": "x"})
    parked.queue_change(parked.change("a", 2, city={"S": "x"}))
    parked.apply()
    assert parked.parked() == 0
    assert parked.equal()


def test_a_parked_key_is_settled_by_a_reread(parked: Repairing) -> None:
    parked.source("a", city={"S": "x"})
    parked.call(action="reread", keys=[key("a")])
    parked.apply()
    assert parked.parked() == 0
    assert parked.equal()


def test_a_reread_that_is_rejected_too_leaves_it_parked(parked: Repairing) -> None:
    parked.call(action="reread", keys=[key("a")])
    parked.apply()
    assert parked.parked() == 1


def test_a_parked_key_is_settled_by_acceptance_on_record(parked: Repairing) -> None:
    answer = parked.call(action="accept", key=key("a"), reason="obsolete", by="arn:ann")
    assert answer == {"refused": None, "accepted": True}
    assert (parked.parked(), parked.accepted()) == (0, 1)
    row = parked.row("a")
    assert (row["accepted_reason"], row["accepted_by"]) == ("obsolete", "arn:ann")
    assert row["accepted_at"] == parked.migration.clock()
    assert "Type mismatch" in row["parked_reason"]


def test_acceptance_does_not_bind_the_next_version(parked: Repairing) -> None:
    parked.call(action="accept", key=key("a"), reason="obsolete", by="arn:ann")
    parked.queue_change(parked.change("a", 2, city={"N": "2"}))
    parked.apply()
    assert (parked.parked(), parked.accepted()) == (1, 0)


def test_acceptance_needs_a_parked_key_of_this_epoch(parked: Repairing) -> None:
    assert not parked.call(action="accept", key=key("b"), reason="obsolete", by="arn:ann")["accepted"]
    watermarks = Watermarks(parked.migration.control.rows, parked.migration.stream_arn, parked.migration.clock)
    assert not watermarks.accept(key("a"), "e0", "obsolete", "arn:ann")
    assert parked.parked() == 1
    assert not parked.row("b")


def test_an_accepted_key_is_not_accepted_twice(parked: Repairing) -> None:
    event = {"action": "accept", "key": key("a"), "reason": "obsolete", "by": "arn:ann"}
    assert [parked.call(**event)["accepted"] for _ in range(2)] == [True, False]
