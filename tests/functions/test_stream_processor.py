from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ddb_migration.aws.late_changes import LateChangeRows
from ddb_migration.aws.progress import CAPTURE, Progress
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.cut_over_order import FENCED, UNFENCED, CutOverOrder
from ddb_migration.core.item_key import message_group
from ddb_migration.core.message import Message, decode
from ddb_migration.core.watermark import mark
from stream_processor.handler import ATTEMPTS, StreamProcessor
from tests.fakes.client_errors import client_error
from tests.functions.migration import EXECUTION, Migration

BASE = 10**20
HOUR = 3600.0
DAY = 24 * HOUR


def record(name: str, number: int, value: int = 0, event: str = "MODIFY", **body: Any) -> dict[str, Any]:
    keys = {"pk": {"S": name}}
    image = {} if event == "REMOVE" else {"NewImage": {**keys, "v": {"N": str(value)}}}
    return {
        "eventName": event,
        "dynamodb": {
            "Keys": keys,
            "SequenceNumber": str(BASE + number),
            "StreamViewType": "NEW_IMAGE",
            "ApproximateCreationDateTime": 1_790_000_000.0 - number,
            **image,
            **body,
        },
    }


class Capturing:
    """StreamProcessor of a migration, and what arrived in its queue."""

    def __init__(self, migration: Migration) -> None:
        self.migration = migration
        migration.open()
        self.queue = migration.aws.sqs.queues[migration.queue_url]
        self.processor = StreamProcessor(
            migration.control, migration.queue, map, migration.clock, migration.clock.sleep, migration.metrics
        )

    def process(self, *records: Mapping[str, Any]) -> list[int]:
        """Process a batch and return the numbers to retry from, without the base."""
        return [int(number) - BASE for number in self.processor.process(records)]

    def arrived(self) -> list[Message]:
        return [decode(message.body) for message in self.queue.messages]

    def numbers(self) -> list[int]:
        return [int(str(message.number)) - BASE for message in self.arrived()]

    def refuse(self, *names: str, times: int = 10**6) -> None:
        """Refuse the entries of these keys so many times."""
        groups = {message_group({"pk": {"S": name}}) for name in names}
        left = dict.fromkeys(groups, times)

        def code(entry: Mapping[str, Any]) -> str | None:
            group = entry["MessageGroupId"]
            if left.get(group, 0) <= 0:
                return None
            left[group] -= 1
            return "InternalError"

        self.migration.aws.sqs.refuse = code


@pytest.fixture
def capturing(migration: Migration) -> Capturing:
    return Capturing(migration)


def test_every_change_becomes_a_message_of_its_keys_group(capturing: Capturing) -> None:
    assert capturing.process(record("a", 1, 7, "INSERT"), record("b", 2, event="REMOVE")) == []
    put, delete = capturing.arrived()
    key = {"pk": {"S": "a"}}
    assert put == Message("e1", "put", key, str(BASE + 1), {**key, "v": {"N": "7"}}, 1_789_999_999.0)
    assert (delete.kind, delete.image) == ("delete", None)
    assert [message.group for message in capturing.queue.messages] == [
        message_group({"pk": {"S": name}}) for name in "ab"
    ]


def test_a_large_batch_arrives_whole_and_in_order(capturing: Capturing) -> None:
    assert capturing.process(*(record(f"k{number}", number) for number in range(1000))) == []
    assert capturing.numbers() == list(range(1000))
    assert capturing.migration.aws.sqs.operations().count("SendMessageBatch") == 100


def test_of_each_key_the_newest_change_is_sent_and_all_are_counted(capturing: Capturing) -> None:
    assert capturing.process(record("a", 1), record("b", 2), record("a", 3), record("a", 4, event="REMOVE")) == []
    assert capturing.numbers() == [2, 4]
    totals = Progress(capturing.migration.control.rows, "e1").totals()
    assert dict(totals) == {"captured": 4, "sent": 2}


@pytest.mark.parametrize(("seconds", "is_told_again"), [(10.0, False), (1000.0, True)])
def test_only_a_report_of_old_changes_has_to_arrive(capturing: Capturing, seconds: float, is_told_again: bool) -> None:
    """No report of capture counts as no lag, so that of a capture that is behind must not get lost."""
    capturing.migration.clock.sleep(seconds)
    throttled = client_error("UpdateItem", "ProvisionedThroughputExceededException")
    capturing.migration.aws.dynamodb.fail("UpdateItem", throttled)
    if is_told_again:
        with pytest.raises(ClientError):
            capturing.process(record("a", 1))
    else:
        assert capturing.process(record("a", 1)) == []
    assert capturing.numbers() == [1]


def test_a_batch_that_is_delivered_again_makes_no_second_message(capturing: Capturing) -> None:
    batch = [record("a", 1), record("b", 2)]
    capturing.process(*batch)
    capturing.process(*batch)
    assert capturing.numbers() == [1, 2]


def test_entries_refused_for_a_moment_are_sent_again_alone(capturing: Capturing) -> None:
    capturing.refuse("b", times=ATTEMPTS - 1)
    assert capturing.process(record("a", 1), record("b", 2), record("c", 3)) == []
    assert capturing.numbers() == [1, 3, 2]
    assert _sizes(capturing) == [3] + [1] * (ATTEMPTS - 1)


def test_the_lowest_refused_number_is_where_lambda_goes_on(capturing: Capturing) -> None:
    capturing.refuse("c", "b")
    assert capturing.process(record("a", 1), record("c", 3), record("b", 20), record("d", 100)) == [3]
    assert capturing.numbers() == [1, 100]
    totals = Progress(capturing.migration.control.rows, "e1").totals()
    assert dict(totals) == {"captured": 4, "sent": 2}


def test_numbers_of_different_length_are_compared_as_numbers(capturing: Capturing) -> None:
    capturing.refuse("a", "b")
    shorter, longer = 10**21 - 1 - BASE, 10**21 - BASE
    assert capturing.process(record("a", longer), record("b", shorter)) == [shorter]


def test_a_superseded_change_of_a_refused_key_need_not_be_retried(capturing: Capturing) -> None:
    capturing.refuse("a")
    assert capturing.process(record("a", 1), record("b", 2), record("a", 3)) == [3]
    capturing.refuse()
    assert capturing.process(record("a", 3)) == []
    assert capturing.numbers() == [2, 3]


@pytest.mark.parametrize(
    "error",
    [client_error("SendMessageBatch", "RequestThrottled"), EndpointConnectionError(endpoint_url="e")],
    ids=lambda error: type(error).__name__,
)
def test_a_call_that_fails_is_made_again_and_then_reported(capturing: Capturing, error: Exception) -> None:
    capturing.migration.aws.sqs.fail("SendMessageBatch", error)
    assert capturing.process(record("a", 1)) == []
    capturing.migration.aws.sqs.fail("SendMessageBatch", *[error] * ATTEMPTS)
    assert capturing.process(record("b", 2), record("c", 3)) == [2]
    assert capturing.numbers() == [1]


def test_the_waits_between_attempts_grow_and_stay_short(capturing: Capturing) -> None:
    capturing.refuse("a")
    began = capturing.migration.clock()
    capturing.process(record("a", 1))
    assert 0 < capturing.migration.clock() - began < 5


@pytest.mark.parametrize("ending", ["never opened", "aborting", "closed", "tombstone"])
def test_a_batch_waits_in_the_stream_while_no_epoch_is_open(migration: Migration, ending: str) -> None:
    capturing = Capturing(migration)
    if ending == "tombstone":
        migration.control.bury()
    elif ending == "never opened":
        del migration.aws.dynamodb.tables["control"].items[(("S", "migration"), ("S", "record"))]
    else:
        migration.control.begin_abort(str(migration.control.read().epoch))
    if ending == "closed":
        migration.control.close(str(migration.control.read().epoch))
    with pytest.raises(MigrationStopped):
        capturing.process(record("a", 1))
    assert capturing.arrived() == []
    assert Progress(migration.control.rows, "e1").reports(CAPTURE) == ()


def test_a_new_epoch_sends_the_same_change_again(capturing: Capturing) -> None:
    capturing.process(record("a", 1))
    capturing.migration.control.begin_abort(str(capturing.migration.control.read().epoch))
    capturing.migration.control.close(str(capturing.migration.control.read().epoch))
    capturing.migration.open()
    capturing.process(record("a", 1))
    assert [message.epoch for message in capturing.arrived()] == ["e1", "e2"]


def test_a_change_too_large_for_a_message_is_sent_as_a_reread(capturing: Capturing) -> None:
    keys_only = record("a", 1, StreamViewType="KEYS_ONLY")
    del keys_only["dynamodb"]["NewImage"]
    capturing.process(keys_only)
    (message,) = capturing.arrived()
    assert (message.kind, message.number, message.image) == ("reread", str(BASE + 1), None)
    assert Progress(capturing.migration.control.rows, "e1").totals()["rereads"] == 1


def test_the_age_of_the_oldest_change_is_reported(capturing: Capturing) -> None:
    capturing.migration.clock.now = 1_790_000_000.0
    capturing.process(record("a", 5), record("b", 90), record("c", 7))
    (report,) = Progress(capturing.migration.control.rows, "e1").reports(CAPTURE)
    assert (report.age, report.at) == (90, 1_790_000_000)


def _sizes(capturing: Capturing) -> Sequence[int]:
    calls = capturing.migration.aws.sqs.calls
    return [len(request["Entries"]) for operation, request in calls if operation == "SendMessageBatch"]


# --- Changes that may have expired -------------------------------------------------------------------------------


def aged(capturing: Capturing, number: int, seconds: float) -> dict[str, Any]:
    """A record of a change that was made so many seconds ago."""
    return record("a", number, ApproximateCreationDateTime=capturing.migration.clock() - seconds)


def incomplete(capturing: Capturing) -> str | None:
    return capturing.migration.control.read().incomplete


def test_a_change_within_an_hour_of_its_expiry_makes_the_epoch_incomplete(capturing: Capturing) -> None:
    capturing.migration.clock.sleep(DAY)
    capturing.process(aged(capturing, 1, DAY - HOUR - 1))
    assert incomplete(capturing) is None
    capturing.refuse("a")
    capturing.process(aged(capturing, 2, DAY - HOUR))
    assert "capture met a change 23.0 hours old" in str(incomplete(capturing)), "though it was refused"
    first = capturing.migration.control.read().incomplete_at
    capturing.migration.clock.sleep(HOUR + 1)
    capturing.process(aged(capturing, 3, DAY - HOUR))
    assert float(capturing.migration.control.read().incomplete_at or 0) > float(first or 0) + HOUR, "so do later ones"


def test_what_changed_before_capture_began_may_be_as_old_as_it_likes(capturing: Capturing) -> None:
    capturing.process(aged(capturing, 1, DAY - 1))
    assert incomplete(capturing) is None


def test_the_second_in_which_capture_began_counts_as_behind_it(capturing: Capturing) -> None:
    """Streams tell whole seconds: a change of 7.9 comes as one of 7, and capture may have begun at 7.1."""
    control, clock = capturing.migration.control, capturing.migration.clock
    began = math.floor(clock()) + 1
    control.set(EXECUTION, captured_from=began + 0.1)
    clock.sleep(DAY)
    capturing.process(record("a", 1, ApproximateCreationDateTime=float(began - 1)))
    assert incomplete(capturing) is None
    capturing.process(record("a", 2, ApproximateCreationDateTime=float(began)))
    assert "capture met a change" in str(incomplete(capturing))


def until(capturing: Capturing) -> float | None:
    moment: float | None = capturing.migration.control.rows.get("continuity#e1", "until").get("capture")
    return moment


def test_capture_notes_once_a_minute_up_to_when_it_has_worked(capturing: Capturing) -> None:
    clock = capturing.migration.clock
    clock.sleep(HOUR)
    capturing.process(aged(capturing, 1, 30))
    first = until(capturing)
    assert first == clock() - 30
    clock.sleep(59)
    capturing.process(aged(capturing, 2, 0))
    assert until(capturing) == first
    clock.sleep(1)
    capturing.process(aged(capturing, 3, 120))
    assert until(capturing) == first, "it never goes back"


def test_after_a_long_silence_only_a_look_can_tell(capturing: Capturing) -> None:
    clock = capturing.migration.clock
    capturing.process(aged(capturing, 1, 0))
    first = until(capturing)
    clock.sleep(DAY - HOUR + 1)
    capturing.process(aged(capturing, 2, 0))
    assert until(capturing) == first
    assert incomplete(capturing) is None, "nobody may have written"


def test_a_refused_batch_tells_nothing(capturing: Capturing) -> None:
    capturing.refuse("a")
    capturing.process(aged(capturing, 1, 0))
    assert until(capturing) is None


# --- after the cut-over ------------------------------------------------------------------------------------------


def cut(capturing: Capturing, form: str) -> LateChangeRows:
    control = capturing.migration.control
    execution = str(control.read().execution)
    started = control.begin_cut_over(execution, CutOverOrder(form), capturing.migration.clock()).cut_over_started
    control.note_cut_over(execution, started, capturing.migration.clock())
    return LateChangeRows(control.rows, "e1")


def expired(name: str, number: int) -> dict[str, Any]:
    return {
        **record(name, number, event="REMOVE"),
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
    }


def test_a_change_after_a_fenced_cut_over_is_listed_and_not_sent(capturing: Capturing) -> None:
    late = cut(capturing, FENCED)
    assert capturing.process(record("a", 1), record("a", 2), record("b", 3)) == []
    assert capturing.arrived() == []
    assert late.found().keys == 2
    assert Progress(capturing.migration.control.rows, "e1").totals()["late_changes"] == 2


def test_what_was_applied_before_is_no_late_change_and_nor_is_expiry(capturing: Capturing) -> None:
    late = cut(capturing, FENCED)
    rows, clock = capturing.migration.control.rows, capturing.migration.clock
    Watermarks(rows, capturing.migration.stream_arn, clock).raise_to({"pk": {"S": "a"}}, mark(str(BASE + 5)))
    capturing.process(record("a", 1), record("a", 5), expired("b", 6))
    assert late.found().keys == 0
    capturing.process(record("a", 7))
    assert late.found().keys == 1


def test_the_keys_of_a_large_batch_are_noted_side_by_side_before_any_is_sent(capturing: Capturing) -> None:
    """One after the other a thousand keys took most of the function's time; what is applied no more looks late."""
    late = cut(capturing, UNFENCED)
    migration, mapped = capturing.migration, list[tuple[int, int]]()

    def each(work: Callable[[Any], Any], given: Iterable[Any]) -> list[Any]:
        items = list(given)
        mapped.append((len(items), len(capturing.queue.messages)))
        return [work(item) for item in items]

    processor = StreamProcessor(migration.control, migration.queue, each, migration.clock, migration.clock.sleep)
    assert processor.process([record(f"k{number}", number) for number in range(1, 41)]) == []
    assert mapped[0] == (40, 0)
    assert (late.found().keys, len(capturing.numbers())) == (40, 40)


def test_after_an_unfenced_cut_over_late_changes_are_listed_and_sent_until_the_end(capturing: Capturing) -> None:
    late = cut(capturing, UNFENCED)
    capturing.process(record("a", 1))
    assert (capturing.numbers(), late.found().keys) == ([1], 1)
    capturing.migration.control.ask_to_complete("keep")
    capturing.process(record("a", 2))
    assert (capturing.numbers(), late.found().keys) == ([1], 1)
