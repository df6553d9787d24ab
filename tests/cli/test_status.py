"""`ddb-migration status`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddb_migration_construct.cli.migrations import find_migration
from ddb_migration_construct.cli.status import Status, read_status, status_lines
from tests.cli.fakes import FakeDynamoDb, FakeSqs, FakeStates

RECORD = {
    "epoch": {"S": "e1"},
    "status": {"S": "open"},
    "phase": {"S": "Drain"},
    "captured_from": {"N": "1700000000"},
    "stream_arn": {"S": "arn:stream"},
}
ROWS = [
    {"pk": {"S": "progress#e1"}, "captured": {"N": "10"}, "sent": {"N": "8"}, "age": {"N": "0.5"}},
    {"pk": {"S": "progress#e1"}, "captured": {"N": "5"}, "sent": {"N": "5"}},
    {"pk": {"S": "progress#e1"}, "applied": {"N": "7"}, "stale_skipped": {"N": "2"}, "parked": {"N": "1"}},
    {"pk": {"S": "progress#e0"}, "applied": {"N": "1000"}},
    {"pk": {"S": "checkpoint#e1"}, "items_read": {"N": "30"}, "items_written": {"N": "29"}},
]


def parked(name: str, epoch: str = "e1", reason: str = "too odd") -> dict[str, Any]:
    key = {"item_key": {"S": json.dumps([["pk", "S", name]])}}
    return {**key, "parked_epoch": {"S": epoch}, "parked_reason": {"S": reason}}


def read(
    states: FakeStates, record: dict[str, Any] | None = None, rows: list[Any] | None = None, **more: Any
) -> Status:
    migration = find_migration(states, "Orders/Migration")
    sqs = FakeSqs(3, 2, 1, more.pop("dead_letters", 0))
    return read_status(states, FakeDynamoDb(record, rows), sqs, migration, **more)


def states(**execution: str) -> FakeStates:
    made = FakeStates("Orders/Migration")
    if execution:
        made.add("Orders/Migration", **execution)
    return made


def test_counts_are_the_sums_over_the_rows_of_the_epoch() -> None:
    counts = read(states(status="RUNNING"), RECORD, ROWS).counts
    assert (counts["captured"], counts["sent"], counts["applied"]) == (15, 13, 7)
    assert (counts["stale_skipped"], counts["parked"], counts["discarded"]) == (2, 1, 0)
    assert (counts["items_read"], counts["items_written"]) == (30, 29)


def test_the_backlog_counts_messages_in_work_too() -> None:
    assert read(states()).backlog == 6


def test_parked_keys_are_counted_by_reason_and_shown_on_demand() -> None:
    rows = [parked("a"), parked("b"), parked("c", reason="too large"), parked("d", "accepted#e1"), parked("e", "e0")]
    text = "\n".join(status_lines(read(states(), RECORD, rows)))
    assert "parked     3 keys, and 1 accepted as they are\n  2 for: too odd\n  1 for: too large\n" in text
    assert '{"pk"' not in text
    shown = list(status_lines(read(states(), RECORD, rows, keys=True)))
    assert [line for line in shown if '{"pk"' in line] == [f'  {{"pk": {{"S": "{name}"}}}}' for name in "abc"]


def test_parked_keys_and_dead_letters_come_first() -> None:
    found = read(states(status="SUCCEEDED"), RECORD, [parked("a")], dead_letters=2)
    assert "2 in its dead-letter queue" in "\n".join(status_lines(found))
    assert found.next_step.endswith("ddb-migration reread Orders/Migration --parked --dead-letters")


def test_an_incomplete_epoch_says_why_and_asks_for_a_verify() -> None:
    found = read(states(status="SUCCEEDED"), {**RECORD, "incomplete": {"S": "capture stood still"}})
    assert "incomplete capture stood still" in list(status_lines(found))
    assert found.next_step.startswith("a full verify with repair")


def test_before_the_first_start_it_says_how_to_start() -> None:
    text = "\n".join(status_lines(read(states())))
    assert "not started" in text
    assert text.endswith("start it: ddb-migration start Orders/Migration")


def test_a_failed_execution_shows_error_cause_and_next_step() -> None:
    failed = states(status="FAILED", error="SetupCheckFailed", cause="no stream\nno recovery")
    text = "\n".join(status_lines(read(failed, RECORD)))
    assert "error      SetupCheckFailed\n  no stream\n  no recovery" in text
    assert "then continue: ddb-migration start Orders/Migration" in text
    assert "give up: ddb-migration abort Orders/Migration" in text


@pytest.mark.parametrize(
    ("execution", "record", "step"),
    [
        ("RUNNING", RECORD, "wait"),
        ("SUCCEEDED", RECORD, "none: the destination is in step"),
        ("ABORTED", RECORD, "put right"),
        ("TIMED_OUT", RECORD, "put right"),
        ("ABORTED", {**RECORD, "status": {"S": "aborting"}}, "finish the abort: ddb-migration abort"),
        ("ABORTED", {**RECORD, "status": {"S": "closed"}}, "start it: ddb-migration start"),
    ],
)
def test_the_next_step_fits_the_state(execution: str, record: dict[str, Any], step: str) -> None:
    assert read(states(status=execution), record).next_step.startswith(step)


def test_the_status_is_plain_json() -> None:
    found = json.loads(json.dumps(read(states(status="RUNNING"), RECORD, [*ROWS, parked("a")], keys=True).as_json()))
    assert found["parked"] == {"too odd": 1}
    assert found["parked_keys"] == [{"key": {"pk": {"S": "a"}}, "reason": "too odd"}]
    assert found["record"]["phase"] == "Drain"
    assert found["execution"]["status"] == "RUNNING"
    assert found["counts"]["captured"] == 15
    assert found["next_step"] == "wait; it goes on by itself"
