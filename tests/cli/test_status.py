"""`ddb-migration status`: what is read, and how it is said."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ddb_migration_construct.cli.migrations import find_migration
from ddb_migration_construct.cli.plain_status import progress_line, status_lines
from ddb_migration_construct.cli.reading import Reader, Status
from tests.cli.fakes import FakeDynamoDb, FakeSqs, FakeStates
from tests.cli.running import invoked

RECORD = {
    "epoch": {"S": "e1"},
    "status": {"S": "open"},
    "phase": {"S": "Drain"},
    "captured_from": {"N": "1700000000"},
    "stream_arn": {"S": "arn:stream"},
}
LOADING = {**RECORD, "phase": {"S": "ChooseBulkLoad"}, "bulk_load": {"S": "direct"}, "bulk_began_at": {"N": "1"}}
APPLYING = {**RECORD, "bulk_loaded_at": {"N": "5"}, "trigger_enabled_at": {"N": "6"}}
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


def accepted(name: str) -> dict[str, Any]:
    by = {"accepted_by": {"S": "arn:aws:sts::1:assumed-role/Ops/ann"}, "accepted_at": {"N": "1700000000"}}
    return {**parked(name, "accepted#e1"), **by, "accepted_reason": {"S": "a test order"}}


def report(stage: str, age: float) -> dict[str, Any]:
    at = {"N": str(time.time())}
    return {"pk": {"S": "progress#e1"}, "sk": {"S": f"{stage}#7f"}, "age": {"N": str(age)}, "at": at}


def task(throttles: str = "", written: int = 0, rate: float = 0.0, ago: float = 0.0) -> dict[str, Any]:
    at, counts = {"N": str(time.time() - ago)}, {"written": {"N": str(written)}, "per_second": {"N": str(rate)}}
    return {"pk": {"S": "task#e1"}, "sk": {"S": throttles}, "throttles": {"S": throttles}, "at": at, **counts}


def read(
    states: FakeStates, record: dict[str, Any] | None = None, rows: list[Any] | None = None, **more: Any
) -> Status:
    migration = find_migration(states, "Orders/Migration")
    sqs = FakeSqs(3, 2, 1, more.pop("dead_letters", 0))
    return Reader(states, FakeDynamoDb(record, rows), sqs).read(migration, **more)


def states(**execution: str) -> FakeStates:
    made = FakeStates("Orders/Migration")
    if execution:
        made.add("Orders/Migration", **execution)
    return made


def in_state(state: str, **answer: Any) -> FakeStates:
    """An execution whose history ends in a state that has answered."""
    made = states(status="RUNNING")
    made.enter("Drain" if state != "Drain" else "Barrier", waiting_for="something of long ago")
    made.enter(state, **answer)
    return made


def text(found: Status) -> str:
    return "\n".join(status_lines(found))


def test_counts_are_the_sums_over_the_rows_of_the_epoch() -> None:
    counts = read(states(status="RUNNING"), RECORD, ROWS).counts
    assert (counts["captured"], counts["sent"], counts["applied"]) == (15, 13, 7)
    assert (counts["stale_skipped"], counts["parked"], counts["discarded"]) == (2, 1, 0)
    assert (counts["items_read"], counts["items_written"]) == (30, 29)


def test_the_backlog_counts_messages_in_work_too() -> None:
    assert read(states()).backlog == 6


def test_parked_keys_are_counted_by_reason_and_shown_on_demand() -> None:
    rows = [parked("a"), parked("b"), parked("c", reason="too large"), accepted("d"), parked("e", "e0")]
    said = text(read(states(), RECORD, rows))
    which = "which: ddb-migration status Orders/Migration --parked-keys"
    assert f"parked     3 keys, 1 key accepted; {which}\n" in said
    assert "\n           2 for: too odd\n           1 for: too large\n" in said
    assert '{"pk"' not in said
    shown = list(status_lines(read(states(), RECORD, rows, keys=True)))
    keys = [f'{"":10} {{"pk": {{"S": "{name}"}}}}' for name in "abcd"]
    keys[3] += " accepted by assumed-role/Ops/ann at 2023-11-14 22:13:20 UTC: a test order"
    assert [line for line in shown if '{"pk"' in line] == keys
    assert which not in "\n".join(shown)


def test_parked_keys_and_dead_letters_come_first() -> None:
    found = read(states(status="SUCCEEDED"), RECORD, [parked("a")], dead_letters=2)
    assert "dead       2 messages in the dead-letter queue" in text(found)
    assert "ddb-migration reread Orders/Migration --parked --dead-letters (or accept a key" in found.next_step


def test_an_incomplete_epoch_says_why_and_asks_for_a_verify() -> None:
    found = read(states(status="SUCCEEDED"), {**RECORD, "incomplete": {"S": "capture stood still"}})
    assert "incomplete capture stood still" in list(status_lines(found))
    assert found.next_step.startswith("a full verify with repair")


@pytest.mark.parametrize(("form", "what"), [("fenced", "not copied"), ("unfenced", "copied, and newer writes")])
def test_late_writes_to_the_source_are_counted(form: str, what: str) -> None:
    record = {**RECORD, "cut_over_at": {"N": "1700000000"}, "cut_over_form": {"S": form}}
    late = {"pk": {"S": "progress#e1"}, "sk": {"S": "capture#aa"}, "late_changes": {"N": "2"}}
    said = text(read(states(status="RUNNING"), record, [*ROWS, late]))
    assert f"late       2 changes of the source came after the cut-over, {what}" in said
    assert "late  " not in text(read(states(status="RUNNING"), record, ROWS))


def test_before_the_first_start_it_says_how_to_start() -> None:
    said = text(read(states()))
    assert "not started" in said
    assert said.endswith("start it: ddb-migration start Orders/Migration")


@pytest.mark.parametrize("cause", ["no stream\nno recovery", json.dumps({"errorMessage": "no stream\nno recovery"})])
def test_a_failed_execution_shows_error_cause_and_next_step(cause: str) -> None:
    said = text(read(states(status="FAILED", error="SetupCheckFailed", cause=cause), RECORD))
    assert "error      SetupCheckFailed\n           no stream\n           no recovery" in said
    assert "then continue: ddb-migration start Orders/Migration" in said
    assert "give up: ddb-migration abort Orders/Migration" in said


PAUSED = {**RECORD, "paused": {"BOOL": True}, "paused_since": {"N": "1700000000"}, "paused_by": {"S": "arn:ann"}}


@pytest.mark.parametrize(
    ("execution", "record", "step"),
    [
        ("RUNNING", RECORD, "wait"),
        ("RUNNING", PAUSED, "let it go on: ddb-migration resume Orders/Migration"),
        ("SUCCEEDED", RECORD, "none: the destination is in step"),
        ("ABORTED", RECORD, "put right"),
        ("TIMED_OUT", RECORD, "put right"),
        ("ABORTED", {**RECORD, "status": {"S": "aborting"}}, "finish the abort: ddb-migration abort"),
        ("ABORTED", {**RECORD, "status": {"S": "closed"}}, "start it: ddb-migration start"),
        ("SUCCEEDED", {**RECORD, "status": {"S": "closed"}, "completed_at": {"N": "9"}}, "none: it is complete"),
    ],
)
def test_the_next_step_fits_the_state(execution: str, record: dict[str, Any], step: str) -> None:
    assert read(states(status=execution), record).next_step.startswith(step)


def test_what_is_parked_is_the_next_step_while_all_else_goes_on() -> None:
    found = read(states(status="RUNNING"), RECORD, [parked("a")], dead_letters=1)
    assert found.next_step.endswith("accept Orders/Migration); all else goes on by itself")


def test_a_closed_gate_is_the_next_step_before_any_cut_over() -> None:
    found = read(in_state("ReadyToCutOver", waiting_for="the operator", closed=["1 key is parked"]), RECORD)
    assert found.next_step.startswith("put right what the gate says")
    opened = read(in_state("ReadyToCutOver", waiting_for="the operator", closed=[]), RECORD)
    assert opened.next_step.startswith("cut over when you are ready")


def test_what_was_parked_since_the_gate_was_asked_comes_before_a_cut_over() -> None:
    opened = in_state("ReadyToCutOver", waiting_for="the operator", closed=[])
    found = read(opened, APPLYING, [parked("a")])
    assert found.next_step.startswith("put right what the reasons say")
    assert "gate       was open at the last look; what has been parked" in text(found)


def test_the_status_is_plain_json() -> None:
    found = json.loads(json.dumps(read(states(status="RUNNING"), RECORD, [*ROWS, parked("a")], keys=True).as_json()))
    assert found["parked"] == {"too odd": 1}
    assert found["parked_keys"] == [{"key": {"pk": {"S": "a"}}, "reason": "too odd"}]
    assert found["record"]["phase"] == "Drain"
    assert found["execution"]["status"] == "RUNNING"
    assert found["counts"]["captured"] == 15
    assert found["next_step"].startswith("put right what the reasons say")


# --- what it is doing now --------------------------------------------------------------------------------------


def test_it_shows_the_state_that_is_running_and_what_it_waits_for() -> None:
    found = read(in_state("Settle", waiting_for="the stream mapping to be Enabled"), RECORD)
    assert (found.phase, found.waiting_for) == ("Settle", "the stream mapping to be Enabled")
    assert "waits for  the stream mapping to be Enabled" in text(found)


@pytest.mark.parametrize(("state", "command"), [("ReadyToCutOver", "cut-over"), ("Complete", "complete")])
def test_where_it_waits_for_the_operator_it_names_the_command(state: str, command: str) -> None:
    assert f"ddb-migration {command} Orders/Migration" in read(in_state(state), APPLYING).next_step


@pytest.mark.parametrize(
    ("closed", "said"),
    [
        ([], "gate       open: nothing"),
        (["a parked key", "no verify"], "gate       closed: a parked key\n           no verify"),
    ],
)
def test_the_gate_is_told_while_it_waits_for_the_operator(closed: list[str], said: str) -> None:
    waiting = states(status="RUNNING")
    waiting.enter("Verify", closed=["of long ago"])
    waiting.history.append({"stateEnteredEventDetails": {"name": "ReadyToCutOver"}})
    answer = {"Payload": {"state": "ReadyToCutOver", "closed": closed}, "StatusCode": 200}
    waiting.history.append({"taskSubmittedEventDetails": {"output": json.dumps(answer)}})
    assert said in text(read(waiting, APPLYING))


def test_a_cut_over_and_one_that_turned_back_are_told() -> None:
    assert "cut over   at 2023-11-14 22:13:20 UTC" in text(
        read(states(), {**RECORD, "cut_over_at": {"N": "1700000000"}})
    )
    refused = {**RECORD, "cut_over_refused": {"S": "the gate is closed"}}
    assert "cut over   turned back: the gate is closed" in text(read(states(), refused))


def test_while_the_fence_stands_it_says_which_table_takes_no_writes() -> None:
    fenced = {**APPLYING, "cut_over_started": {"N": "1699999999"}, "fenced_at": {"N": "1700000000"}}
    said = text(read(in_state("CutOver", waiting_for="the last changes"), fenced))
    assert "cut over   under way; the source takes no writes since 2023-11-14 22:13:20 UTC" in said


def test_what_an_earlier_state_waited_for_is_not_told() -> None:
    found = read(in_state("DirectMigrationJob"), LOADING)
    assert (found.phase, found.waiting_for) == ("DirectMigrationJob", None)


def test_while_a_state_looks_again_its_last_answer_stands() -> None:
    looking = in_state("Drain", waiting_for="lag to fall")
    looking.history.append({"stateEnteredEventDetails": {"name": "Drain"}})
    found = read(looking, RECORD)
    assert (found.phase, found.waiting_for) == ("Drain", "lag to fall")


def test_between_two_states_the_last_one_is_shown() -> None:
    between = in_state("Settle", done=True)
    assert read(between, RECORD).phase == "Settle"


def test_late_changes_are_told_with_where_their_keys_are() -> None:
    rows = [{"pk": {"S": "progress#e1"}, "late_changes": {"N": "3"}}]
    said = "\n".join(status_lines(read(states(status="RUNNING"), APPLYING, rows)))
    assert "late       3 changes of the source came after the cut-over" in said
    assert said.count("ddb-migration report Orders/Migration") == 1
    assert "late" not in "\n".join(status_lines(read(states(status="RUNNING"), APPLYING, ROWS)))


def test_the_tables_are_told() -> None:
    assert "tables     orders-old -> orders" in list(status_lines(read(states(), RECORD)))


def test_a_second_start_that_found_it_running_does_not_hide_what_runs() -> None:
    there = states(status="RUNNING")
    there.add("Orders/Migration", status="FAILED", error="MigrationStopped")
    found = read(there, RECORD)
    assert (found.is_running, found.needs_you) == (True, False)
    there.executions[0]["status"] = "ABORTED"
    assert read(there, RECORD).needs_you


def test_an_execution_that_has_ended_waits_for_nothing() -> None:
    ended = in_state("Settle", waiting_for="something")
    ended.executions[0]["status"] = "ABORTED"
    found = read(ended, RECORD)
    assert (found.phase, found.waiting_for) == ("Drain", None)


def test_the_bulk_load_is_told_in_items_and_per_cent() -> None:
    said = text(read(states(status="RUNNING"), {**LOADING, "source_items": {"N": "58"}}, ROWS))
    assert "bulk load  50 % · 29 of about 58 items" in said
    loaded = {**LOADING, "bulk_loaded_at": {"N": "3"}}
    assert "bulk load  done, 29 items" in text(read(states(status="RUNNING"), loaded, ROWS))


def test_tasks_tell_of_items_and_rate_before_a_page_is_complete() -> None:
    rows = [*ROWS, task(written=30, rate=8.0), task(written=10, rate=4.0), task(written=5, rate=100.0, ago=60)]
    found = read(states(), {**LOADING, "source_items": {"N": "90"}}, rows)
    assert (found.loaded, found.load_rate) == (45, 12.0)
    assert "bulk load  50 % · 45 of about 90 items · 12 items/s" in text(found)
    assert read(states(), {**LOADING, "bulk_loaded_at": {"N": "3"}}, rows).loaded == 29


def test_more_items_than_dynamodb_knew_of_are_no_more_than_all() -> None:
    assert "bulk load  100 % · 29 of" in text(read(states(), {**LOADING, "source_items": {"N": "20"}}, ROWS))


def test_throttling_is_told_while_it_is_fresh() -> None:
    rows = [task("TableWriteProvisionedThroughputExceeded 12 %"), task("KeyRange 3 %", ago=60), task()]
    assert read(states(), LOADING, rows).throttles == "TableWriteProvisionedThroughputExceeded 12 %"


def test_lag_follows_the_reports_of_the_readers() -> None:
    assert read(states(), APPLYING, [report("capture", 4), report("apply", 30)]).lag_seconds == 30.0
    assert read(states(), APPLYING, [report("capture", 4)]).lag_seconds is None
    assert read(states(), RECORD, [report("apply", 30)]).lag_seconds is None
    assert "lag 30 s" in text(read(states(), APPLYING, [report("apply", 30)]))


def test_a_pause_says_by_whom_and_since_when() -> None:
    assert "attention  paused by ann since 2023-11-14 22:13:20 UTC" in text(read(states(status="RUNNING"), PAUSED))


def test_an_outage_says_since_when_and_why() -> None:
    failing = {**APPLYING, "apply_failing_since": {"N": "1700000000"}, "apply_failure": {"S": "Throttling"}}
    said = text(read(states(status="RUNNING"), failing))
    assert "apply has paused itself: the destination has taken nothing since 2023-11-14 22:13:20 UTC (Thr" in said
    failing["apply_failing_since"] = {"N": str(time.time())}
    assert "attention" not in text(read(states(status="RUNNING"), failing))


def test_a_line_holds_what_changes() -> None:
    line = progress_line(read(in_state("Drain", waiting_for="lag to fall"), APPLYING, ROWS))
    assert line.startswith(
        "Orders/Migration Drain | bulk load done, 29 items | changes captured 15 · applied 7 · 6 wait"
    )
    assert line.endswith("| waits for lag to fall")


# --- several ---------------------------------------------------------------------------------------------------


def test_several_statuses_are_printed_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = {"stepfunctions": FakeStates("Shop/A", "Shop/B"), "dynamodb": FakeDynamoDb(RECORD), "sqs": FakeSqs()}
    result = invoked(monkeypatch, clients, "status", "--all", "Shop")
    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines() if line.startswith("migration")] == [
        "migration  Shop/A",
        "migration  Shop/B",
    ]
