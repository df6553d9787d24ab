"""`ddb-migration roll-back`: what it says before, and after."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddb_migration.core.reverse_record import OWN, PREFIX, reverse_epoch
from ddb_migration_construct.cli.control_table import (
    REVERSE_EPOCH_SUFFIX,
    REVERSE_PREFIX,
    ControlRecord,
    read_both,
    read_record,
    read_token,
)
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed
from ddb_migration_construct.cli.roll_back import gone_back, preview, previewed, reasons_against
from ddb_migration_construct.cli.ways import BACK, THERE
from tests.cli.account import migration
from tests.cli.fakes import BACK as TAGS_OF_A_WAY_BACK
from tests.cli.fakes import FakeDynamoDb, FakeFunctions, FakeStates, arn_of
from tests.cli.running import invoked

OPEN: dict[str, Any] = {
    "closed_because": [],
    "is_ready": True,
    "until": 1_700_000_000.0,
    "fence": {"Effect": "Deny"},
    "fence_seconds": 75,
    "refused": None,
}
ORDERS = migration("a", can_roll_back=True)


def test_the_dry_run_tells_until_when_and_all_that_would_be_done() -> None:
    told = previewed(FakeFunctions(OPEN), ORDERS)
    assert told.exit_code == 0
    assert told.text.startswith("a: would roll back:\n  - do so until 2023-11-14 22:13:20 UTC, and not later\n")
    assert 'this statement into the destination\'s policy: {"Effect": "Deny"}' in told.text
    assert "about 75 s" in told.text
    assert "lift the source's fence" in told.text


def test_the_dry_run_exits_with_3_where_it_would_be_refused() -> None:
    told = previewed(FakeFunctions({**OPEN, "closed_because": ["3 keys are parked", "the window is over"]}), ORDERS)
    assert told.exit_code == REFUSED
    assert told.text.startswith("a: would be refused:\n  1. 3 keys are parked\n  2. the window is over\n")
    assert told.values["reasons"] == ["3 keys are parked", "the window is over"]


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        ({}, []),
        ({"is_ready": False}, ["it waits for no roll back now: ddb-migration status shows what it does"]),
        ({"is_ready": False, "closed_because": ["the window is over"]}, ["the window is over"]),
    ],
)
def test_reasons_against(found: dict[str, Any], reasons: list[str]) -> None:
    assert reasons_against({**OPEN, **found}) == reasons


def test_a_migration_without_a_window_is_refused_with_what_to_do() -> None:
    with pytest.raises(CommandFailed, match="cannot be rolled back: .* set rollback_window and deploy") as failed:
        preview(FakeFunctions(), migration("a"))
    assert failed.value.exit_code == REFUSED


def test_it_ends_with_what_comes_next() -> None:
    told = gone_back(ORDERS, ControlRecord(cut_over_at=7.0, fenced_at=5.0))
    assert "switch your application back to the source" in told.text
    assert "ddb-migration complete a" in told.text
    assert told.values == {"rolled_back_at": 7.0, "fenced_at": 5.0}


def states() -> FakeStates:
    made = FakeStates("a")
    made.tags[arn_of("a")].update(TAGS_OF_A_WAY_BACK)
    return made


def test_the_command_refuses_before_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    refusing = {"stepfunctions": states(), "lambda": FakeFunctions({**OPEN, "closed_because": ["no"]})}
    result = invoked(monkeypatch, refusing, "roll_back", "a")
    assert result.exit_code == REFUSED
    assert "a cannot roll back now:\n  1. no" in result.output


def test_the_command_asks_and_does_nothing_without_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    result = invoked(monkeypatch, {"stepfunctions": states(), "lambda": FakeFunctions(OPEN)}, "roll_back", "a")
    assert result.exit_code == 1
    assert "Roll a back? Writes to the destination will be denied" in result.output


def test_the_dry_run_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = {"stepfunctions": states(), "lambda": FakeFunctions(OPEN)}
    told = json.loads(invoked(monkeypatch, clients, "roll_back", "a", "--dry-run", "--json").stdout)
    assert (told["migration"], told["reasons"], told["exit_code"]) == ("a", [], 0)


# --- the record of the way back ------------------------------------------------------------------------------------

ROW = {
    "epoch": {"S": "e1"},
    "status": {"S": "open"},
    "phase": {"S": "RollBack"},
    "task_token": {"S": "there"},
    "reverse_task_token": {"S": "back"},
    "prepared_at": {"N": "1"},
    "cut_over_at": {"N": "2"},
    "rollback_until": {"N": "3"},
    "reverse_prepared_at": {"N": "4"},
}


def test_the_record_of_the_way_back_has_its_own_attributes_and_shares_what_is_one() -> None:
    there, back = read_both(FakeDynamoDb(ROW), "control")
    assert (there.epoch, there.prepared_at, there.cut_over_at, there.rollback_until) == ("e1", 1, 2, 3)
    assert (back.epoch, back.prepared_at, back.cut_over_at, back.rollback_until) == ("e1-reverse", 4, None, None)
    assert (back.status, back.phase) == ("open", "RollBack")
    assert read_record(FakeDynamoDb(ROW), "control", BACK.prefix) == back
    assert read_both(FakeDynamoDb({}), "control") == (ControlRecord(), ControlRecord())


def test_each_way_has_a_token_of_its_own() -> None:
    assert read_token(FakeDynamoDb(ROW), "control", THERE.prefix) == "there"
    assert read_token(FakeDynamoDb(ROW), "control", BACK.prefix) == "back"
    assert read_token(FakeDynamoDb({"task_token": {"S": "there"}}), "control", BACK.prefix) is None


def test_a_roll_back_is_over_only_once_the_source_takes_writes_again() -> None:
    assert THERE.is_over(ControlRecord(cut_over_at=1.0, phase="CutOver"))
    assert not BACK.is_over(ControlRecord(cut_over_at=1.0, phase="RollBack"))
    assert BACK.is_over(ControlRecord(cut_over_at=1.0, phase="Complete"))
    assert not BACK.is_over(ControlRecord(phase="RollbackWindow"))
    # It has failed behind the switch, and another execution goes on with it.
    phases = ("LiftDestinationFence", "StartCapture", "CutOver")
    assert not any(BACK.is_over(ControlRecord(cut_over_at=1.0, phase=phase)) for phase in phases)


def test_the_command_line_reads_what_the_migration_writes() -> None:
    assert (PREFIX, reverse_epoch("e1")) == (REVERSE_PREFIX, "e1" + REVERSE_EPOCH_SUFFIX)
    shared = {"epoch", "status", "phase", "execution", "completing", "completed_at"}
    assert not shared & OWN
