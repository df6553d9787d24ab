from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

from ddb_migration.aws.progress import APPLY, Progress
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.tables import Destination, Source
from ddb_migration.core.change import DELETE, PUT, REREAD, Change
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.deadline import Deadline
from ddb_migration.core.item_key import canonical_key, message_group, watermark_id
from ddb_migration.core.message import encode, encode_reread
from ddb_migration.core.watermark import mark, mark_above
from tests.fakes.client_errors import client_error
from tests.fakes.dynamodb import items_of
from tests.fakes.sqs import event_records
from tests.functions.migration import EXECUTION, Migration
from write_cdc.handler import WriteCdc

BASE = 10**20
# Of the change queue, in seconds.
VISIBILITY = 180


def key(name: str) -> dict[str, Any]:
    return {"pk": {"S": name}}


class Applying:
    """WriteCdc of a migration behind its barrier, its queue, and messages of all kinds."""

    def __init__(self, migration: Migration, opened: bool = False) -> None:
        self.migration = migration
        self.aws = migration.aws
        if not opened:
            migration.open(barrier_at=1)
        dynamodb = self.aws.dynamodb
        self.write_cdc = WriteCdc(
            migration.control,
            Rows(dynamodb, "control"),
            Source(dynamodb, migration.source),
            Destination(dynamodb, migration.destination),
            migration.queue,
            map,
            migration.clock,
            migration.clock.sleep,
            metrics=migration.metrics,
        )
        self._sent = 0

    def change(self, kind: str, name: str, number: int, epoch: str = "e1", **image: Any) -> None:
        """Queue a change of an item."""
        put = {**key(name), **image} if kind == PUT else None
        made = Change(str(BASE + number), kind, key(name), put, self.migration.clock() - number)
        self.send(name, encode(epoch, made))

    def reread(self, name: str, epoch: str = "e1") -> None:
        """Queue a reread that stands for no change."""
        self.send(name, encode_reread(epoch, key(name)))

    def send(self, name: str, body: str) -> None:
        self._sent += 1
        entry = {
            "Id": "0",
            "MessageBody": body,
            "MessageGroupId": message_group(key(name)),
            "MessageDeduplicationId": str(self._sent),
        }
        self.aws.sqs.send_message_batch(QueueUrl=self.migration.queue_url, Entries=[entry])

    def run(self, seconds: float = 30.0) -> list[str]:
        """Receive one batch, apply it, delete what succeeded; return the bodies of what did not."""
        url = self.migration.queue_url
        received = self.aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        records = event_records(received)
        failed = self.write_cdc.process(records, Deadline.of(seconds, self.migration.clock))
        done = [record for record in records if record["messageId"] not in failed]
        entries = [{"Id": record["messageId"], "ReceiptHandle": record["receiptHandle"]} for record in done]
        self.aws.sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        return [record["body"] for record in records if record["messageId"] in failed]

    def destination(self) -> dict[str, dict[str, Any]]:
        return {item["pk"]["S"]: item for item in items_of(self.aws.dynamodb, self.migration.destination)}

    def put_source(self, name: str, **image: Any) -> None:
        self.aws.dynamodb.put_item(TableName=self.migration.source, Item={**key(name), **image})

    def row(self, name: str) -> dict[str, Any]:
        return self.migration.control.rows.get(watermark_id(self.migration.stream_arn, key(name)), "watermark")

    def totals(self) -> dict[str, int]:
        return dict(Progress(self.migration.control.rows, "e1").totals())

    def writes(self) -> int:
        return sum(
            operation in ("PutItem", "DeleteItem") and request["TableName"] == self.migration.destination
            for operation, request in self.aws.dynamodb.calls
        )


@pytest.fixture
def applying(migration: Migration) -> Applying:
    return Applying(migration)


def test_changes_are_put_and_deleted(applying: Applying) -> None:
    applying.change(PUT, "a", 1, v={"N": "1.50"}, b={"B": "AP8="})
    applying.change(PUT, "b", 2)
    assert applying.run() == []
    assert applying.destination()["a"] == {**key("a"), "v": {"N": "1.5"}, "b": {"B": b"\x00\xff"}}
    applying.change(DELETE, "a", 3)
    applying.change(DELETE, "never there", 4)
    assert applying.run() == []
    assert set(applying.destination()) == {"b"}
    assert applying.totals() == {"applied": 4}
    assert applying.migration.queue.depth() == 0


def test_the_newest_change_of_a_key_is_what_stands(applying: Applying) -> None:
    for number in (1, 2, 3):
        applying.change(PUT, "a", number, v={"N": str(number)})
    applying.change(PUT, "b", 4)
    applying.change(DELETE, "b", 5)
    assert applying.run() == []
    assert applying.destination() == {"a": {**key("a"), "v": {"N": "3"}}}
    assert applying.row("a")["number"] == mark(str(BASE + 3))


def test_an_older_change_is_skipped_and_counted(applying: Applying) -> None:
    applying.change(PUT, "a", 9, v={"N": "9"})
    applying.run()
    writes = applying.writes()
    applying.change(PUT, "a", 8, v={"N": "8"})
    assert applying.run() == []
    applying.change(DELETE, "a", 7)
    assert applying.run() == []
    assert applying.destination()["a"]["v"] == {"N": "9"}
    assert applying.writes() == writes
    assert applying.totals() == {"applied": 1, "stale_skipped": 2}


def test_a_change_whose_attempt_died_before_its_write_is_applied_again(applying: Applying) -> None:
    applying.aws.dynamodb.fail("PutItem", SystemExit())  # type: ignore[arg-type]  # the process ends here
    applying.change(PUT, "a", 5, v={"N": "5"})
    with pytest.raises(SystemExit):
        applying.run()
    assert applying.row("a")["number"] == mark(str(BASE + 5))
    assert applying.destination() == {}
    applying.migration.clock.sleep(181)
    assert applying.run() == []
    assert applying.destination()["a"]["v"] == {"N": "5"}
    assert applying.totals() == {"applied": 1}


def test_a_message_of_another_epoch_is_discarded_and_counted(applying: Applying) -> None:
    applying.change(PUT, "a", 9, epoch="e0")
    applying.reread("a", epoch="e0")
    applying.change(PUT, "b", 1)
    assert applying.run() == []
    assert set(applying.destination()) == {"b"}
    assert applying.row("a") == {}
    assert applying.totals() == {"applied": 1, "discarded": 2}
    assert applying.migration.queue.depth() == 0


def test_a_reread_for_a_change_writes_what_the_source_holds_and_refuses_late_copies(applying: Applying) -> None:
    applying.put_source("a", v={"N": "7"})
    applying.change(REREAD, "a", 5)
    applying.run()
    assert applying.destination()["a"]["v"] == {"N": "7"}
    assert applying.row("a")["number"] == mark_above(str(BASE + 5))
    applying.change(PUT, "a", 5, v={"N": "5"})
    applying.run()
    assert applying.destination()["a"]["v"] == {"N": "7"}
    applying.change(PUT, "a", 6, v={"N": "6"})
    applying.run()
    assert applying.destination()["a"]["v"] == {"N": "6"}


def test_the_watermark_is_raised_before_the_source_is_read(applying: Applying) -> None:
    applying.change(REREAD, "a", 5)
    applying.run()
    calls = [(operation, request.get("TableName")) for operation, request in applying.aws.dynamodb.calls]
    read = calls.index(("GetItem", applying.migration.source))
    assert ("UpdateItem", "control") in calls[:read]
    assert applying.aws.dynamodb.calls[read][1]["ConsistentRead"] is True


def test_a_reread_of_what_is_gone_deletes(applying: Applying) -> None:
    applying.change(PUT, "a", 1)
    applying.run()
    applying.change(REREAD, "a", 2)
    applying.run()
    assert applying.destination() == {}


def test_a_reread_of_no_change_leaves_the_watermark(applying: Applying) -> None:
    applying.change(PUT, "a", 5, v={"N": "5"})
    applying.run()
    applying.put_source("a", v={"N": "8"})
    applying.reread("a")
    applying.run()
    assert applying.destination()["a"]["v"] == {"N": "8"}
    assert applying.row("a")["number"] == mark(str(BASE + 5))


def test_what_the_destination_rejects_is_parked_and_the_rest_goes_on(applying: Applying) -> None:
    applying.change(PUT, "a", 1, city={"N": "1"})
    applying.change(PUT, "b", 2)
    assert applying.run() == []
    assert set(applying.destination()) == {"b"}
    assert applying.migration.control.parked("e1") == 1
    row = applying.row("a")
    assert row["item_key"] == canonical_key(key("a"))
    assert "ValidationException" in row["parked_reason"]
    assert "city" in row["parked_reason"]
    assert applying.totals() == {"applied": 1, "parked": 1}


def test_a_parked_key_is_settled_by_a_newer_change_and_not_by_an_older(applying: Applying) -> None:
    applying.change(PUT, "a", 5, city={"N": "1"})
    applying.run()
    applying.change(PUT, "a", 4)
    applying.run()
    assert applying.migration.control.parked("e1") == 1
    applying.change(PUT, "a", 6, city={"S": "Graz"})
    applying.run()
    assert applying.migration.control.parked("e1") == 0
    assert applying.destination()["a"]["city"] == {"S": "Graz"}


def test_a_parked_key_is_settled_by_a_reread_of_no_change(applying: Applying) -> None:
    applying.change(PUT, "a", 5, city={"N": "1"})
    applying.run()
    applying.put_source("a", city={"S": "Graz"})
    applying.reread("a")
    applying.run()
    assert applying.migration.control.parked("e1") == 0
    assert applying.destination()["a"]["city"] == {"S": "Graz"}


def test_a_reread_that_is_rejected_again_stays_parked(applying: Applying) -> None:
    applying.put_source("a")
    applying.aws.dynamodb.tables["source"].indexes.clear()
    applying.put_source("a", city={"N": "1"})
    applying.reread("a")
    applying.run()
    assert applying.migration.control.parked("e1") == 1


def test_binary_that_is_no_base64_is_parked(applying: Applying) -> None:
    applying.change(PUT, "a", 1, b={"B": "no base64!"})
    assert applying.run() == []
    assert applying.migration.control.parked("e1") == 1


@pytest.mark.parametrize(
    "error",
    [client_error("PutItem", "ThrottlingException"), ConnectTimeoutError(endpoint_url="e")],
    ids=lambda error: type(error).__name__,
)
def test_a_transient_failure_is_repeated_within_the_call(applying: Applying, error: Exception) -> None:
    applying.aws.dynamodb.fail("PutItem", error, error, error)
    applying.change(PUT, "a", 1)
    assert applying.run() == []
    assert set(applying.destination()) == {"a"}


@pytest.mark.parametrize("error", [ReadTimeoutError(endpoint_url="e"), ConnectionClosedError(endpoint_url="e")])
@pytest.mark.parametrize("kind", [PUT, DELETE, REREAD])
def test_a_write_without_an_answer_is_followed_by_nothing_for_three_minutes(
    applying: Applying, kind: str, error: Exception
) -> None:
    """It may still take effect, and would then land on top of what its group wrote after it."""
    applying.reread("a") if kind == REREAD else applying.change(kind, "a", 1)
    applying.change(PUT, "b", 2)
    applying.put_source("a")
    applying.aws.dynamodb.fail("DeleteItem" if kind == DELETE else "PutItem", error)
    assert len(applying.run()) == 1
    applying.change(PUT, "a", 3, v={"N": "3"})
    applying.put_source("a", v={"N": "3"})
    before = applying.writes()
    applying.migration.clock.sleep(VISIBILITY - 1)
    assert applying.run() == []
    assert applying.writes() == before
    assert set(applying.destination()) == {"b"}, "the others go on"
    applying.migration.clock.sleep(1)
    applying.run()
    applying.run()
    assert applying.destination()["a"]["v"] == {"N": "3"}


def _always(operation: str, table: str, error: Exception) -> Callable[[str, Any], None]:
    def hook(called: str, request: Any) -> None:
        if called == operation and request["TableName"] == table and request.get("Item", {}).get("pk") != {"S": "b"}:
            raise error

    return hook


def test_a_failing_group_returns_whole_and_soon_and_the_others_go_on(applying: Applying) -> None:
    throttled = client_error("PutItem", "ThrottlingException")
    applying.aws.dynamodb.hooks.append(_always("PutItem", applying.migration.destination, throttled))
    applying.change(PUT, "b", 3)
    applying.change(PUT, "a", 1)
    applying.change(PUT, "a", 2, v={"N": "2"})
    failed = applying.run()
    assert len(failed) == 2
    assert all('"S":"a"' in body for body in failed)
    assert set(applying.destination()) == {"b"}
    applying.aws.dynamodb.hooks.clear()
    # The queue's own time-out is 180 s; the messages are back within 30 s.
    applying.migration.clock.sleep(30)
    assert applying.run() == []
    assert applying.destination()["a"]["v"] == {"N": "2"}
    assert applying.migration.queue.depth() == 0


def test_an_error_that_is_neither_returns_the_group_too(applying: Applying) -> None:
    denied = client_error("PutItem", "AccessDeniedException")
    applying.aws.dynamodb.hooks.append(_always("PutItem", applying.migration.destination, denied))
    applying.change(PUT, "a", 1)
    assert len(applying.run()) == 1
    assert applying.migration.control.parked("e1") == 0


def test_an_unreadable_message_stays_in_the_queue_with_its_group(applying: Applying) -> None:
    applying.change(PUT, "a", 1)
    applying.send("a", '{"v":99}')
    applying.change(PUT, "b", 2)
    assert len(applying.run()) == 2
    assert set(applying.destination()) == {"b"}


def test_a_number_that_is_none_does_not_fail_the_other_groups(applying: Applying) -> None:
    broken = encode("e1", Change("1" * 21, DELETE, key("a"), None, 0.0)).replace("1" * 21, "soon")
    applying.send("a", broken)
    applying.change(PUT, "b", 2)
    assert applying.run() == [broken]
    assert set(applying.destination()) == {"b"}


def test_no_write_is_begun_after_the_deadline(applying: Applying) -> None:
    began = applying.migration.clock()
    written: list[float] = []

    def slow(operation: str, request: Any) -> None:
        if operation in ("PutItem", "DeleteItem", "UpdateItem") and "progress" not in str(request.get("Key")):
            written.append(applying.migration.clock() - began)
            applying.migration.clock.sleep(3)

    applying.aws.dynamodb.hooks.append(slow)
    for number, name in enumerate("abcdef"):
        applying.change(PUT, name, number)
    failed = applying.run(seconds=30)
    assert max(written) < 20
    # Two calls of three seconds for each key: three keys are done, of the fourth only the watermark.
    assert len(applying.destination()) == 3
    assert len(failed) == 3
    applying.aws.dynamodb.hooks.clear()
    applying.migration.clock.sleep(30)
    assert applying.run() == []
    assert len(applying.destination()) == 6


def test_an_invocation_without_time_writes_nothing(applying: Applying) -> None:
    applying.change(PUT, "a", 1)
    assert len(applying.run(seconds=10)) == 1
    assert applying.writes() == 0
    assert applying.row("a") == {}


@pytest.mark.parametrize("ending", ["before the barrier", "aborting", "tombstone", "closed"])
def test_nothing_is_applied_unless_the_record_permits(migration: Migration, ending: str) -> None:
    applying = Applying(migration)
    if ending == "tombstone":
        migration.control.bury()
    else:
        migration.control.begin_abort(str(migration.control.read().epoch))
    if ending in ("before the barrier", "closed"):
        migration.control.close(str(migration.control.read().epoch))
    if ending == "before the barrier":
        migration.control.open_epoch("e1", EXECUTION, migration.stream_arn, 0.0, "e1")
    applying.change(PUT, "a", 1)
    with pytest.raises(MigrationStopped):
        applying.run()
    assert applying.writes() == 0
    assert applying.row("a") == {}
    assert migration.queue.depth() == 1


def test_the_age_of_the_oldest_change_is_reported(applying: Applying) -> None:
    applying.change(PUT, "a", 40)
    applying.change(PUT, "b", 7)
    applying.reread("c")
    applying.run()
    (report,) = Progress(applying.migration.control.rows, "e1").reports(APPLY)
    assert (report.age, report.at) == (40, applying.migration.clock())


def _throttled(*partitions: str) -> Callable[[str, Mapping[str, Any]], None]:
    """Throttle the updates of these rows of the control table."""

    def hook(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "UpdateItem" and request["Key"]["pk"]["S"].startswith(partitions):
            raise client_error("UpdateItem", "ProvisionedThroughputExceededException")

    return hook


def test_what_was_applied_does_not_come_back_for_its_report(applying: Applying) -> None:
    applying.change(PUT, "a", 40)
    applying.aws.dynamodb.hooks.append(_throttled("progress#", "continuity#"))
    assert applying.run() == []
    assert applying.destination().keys() == {"a"}


def test_an_age_that_an_earlier_attempt_may_have_left_untold_has_to_be_told(applying: Applying) -> None:
    applying.change(PUT, "a", 40)
    applying.aws.sqs.receive_message(QueueUrl=applying.migration.queue_url, MaxNumberOfMessages=10)
    applying.migration.clock.sleep(VISIBILITY)
    applying.aws.dynamodb.hooks.append(_throttled("progress#"))
    with pytest.raises(ClientError):
        applying.run()
    assert applying.writes() == 0


def test_a_report_that_is_denied_is_no_matter_of_the_moment(applying: Applying) -> None:
    applying.change(PUT, "a", 40)
    applying.aws.dynamodb.hooks.append(_always("UpdateItem", "control", client_error("UpdateItem", "AccessDenied")))
    with pytest.raises(ClientError):
        applying.run()


def test_failed_messages_are_told_though_they_cannot_be_returned_sooner(applying: Applying) -> None:
    applying.change(PUT, "a", 1)
    applying.change(PUT, "b", 2)
    denied = client_error("PutItem", "AccessDeniedException")
    applying.aws.dynamodb.fail("PutItem", denied)
    applying.aws.sqs.fail(
        "ChangeMessageVisibilityBatch", client_error("ChangeMessageVisibilityBatch", "ThrottlingException")
    )
    assert len(applying.run()) == 1
    assert len(applying.destination()) == 1


# --- Changes that may have expired -------------------------------------------------------------------------------


def test_a_message_within_an_hour_of_its_retention_makes_the_epoch_incomplete(applying: Applying) -> None:
    clock, control = applying.migration.clock, applying.migration.control
    applying.change(PUT, "a", 1)
    clock.sleep(14 * 86400 - 3601)
    applying.aws.dynamodb.hooks.append(_always("PutItem", applying.migration.destination, client_error("PutItem", "X")))
    applying.run()
    assert control.read().incomplete is None
    clock.sleep(31)
    applying.run()
    assert "apply met a change 335.0 hours old" in str(control.read().incomplete), "though it failed"


def test_apply_notes_up_to_when_it_has_worked(applying: Applying) -> None:
    rows, clock = applying.migration.control.rows, applying.migration.clock
    applying.change(PUT, "a", 1)
    sent = clock()
    clock.sleep(10)
    applying.run()
    assert rows.get("continuity#e1", "until") == {"apply": sent}


# --- After an unfenced cut-over ----------------------------------------------------------------------------------


@pytest.fixture
def switched(applying: Applying) -> Applying:
    """A change of `a` was applied, the migration cut over without a fence, and the application wrote `a` anew."""
    applying.change(PUT, "a", 1, v={"N": "1"})
    applying.run()
    control, clock = applying.migration.control, applying.migration.clock
    clock.sleep(60)
    control.set_once(EXECUTION, cut_over_form="unfenced", cut_over_at=clock())
    applying.aws.dynamodb.put_item(TableName=applying.migration.destination, Item={**key("a"), "v": {"N": "9"}})
    clock.sleep(60)
    return applying


@pytest.mark.parametrize("kind", ["copy", "older", "reread", "reread of the change"])
def test_what_was_applied_before_the_cut_over_undoes_nothing_after_it(switched: Applying, kind: str) -> None:
    switched.put_source("a", v={"N": "1"})
    bodies: dict[str, Callable[[], None]] = {
        "copy": lambda: switched.change(PUT, "a", 1, v={"N": "1"}),
        "older": lambda: switched.change(PUT, "a", 0, v={"N": "0"}),
        "reread": lambda: switched.reread("a"),
        "reread of the change": lambda: switched.send("a", encode_reread("e1", key("a"), str(BASE + 1))),
    }
    bodies[kind]()
    assert switched.run() == []
    assert switched.destination()["a"]["v"] == {"N": "9"}


def test_a_late_change_is_applied_and_repeated(switched: Applying) -> None:
    switched.aws.dynamodb.fail("PutItem", ReadTimeoutError(endpoint_url="e"))
    switched.change(PUT, "a", 2, v={"N": "2"})
    assert len(switched.run()) == 1
    switched.migration.clock.sleep(VISIBILITY)
    assert switched.run() == []
    assert switched.destination()["a"]["v"] == {"N": "2"}


def test_a_late_change_that_travels_as_a_reread_is_applied(switched: Applying) -> None:
    switched.put_source("a", v={"N": "2"})
    switched.send("a", encode_reread("e1", key("a"), str(BASE + 2)))
    assert switched.run() == []
    assert switched.destination()["a"]["v"] == {"N": "2"}
