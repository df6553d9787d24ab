"""`ddb-migration pause`, `resume` and `rate`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.rate import parse_writes
from tests.cli.fakes import FakeFunctions, FakeStates
from tests.cli.running import invoked

READS, WRITES = "max_read_units_per_second", "max_write_units_per_second"


class FakeSts:
    """An identity."""

    def get_caller_identity(self) -> dict[str, str]:
        return {"Arn": "arn:ann"}


def run(monkeypatch: pytest.MonkeyPatch, functions: FakeFunctions, command: str, *arguments: str) -> Any:
    monkeypatch.setattr("ddb_migration_construct.cli.invocation._SECONDS_BETWEEN_CALLS", 0.001)
    clients = {"stepfunctions": FakeStates("Shop/Orders"), "sts": FakeSts(), "lambda": functions}
    return invoked(monkeypatch, clients, command, "Shop/Orders", *arguments)


def answer(done: bool, mapping: str | None, **told: Any) -> dict[str, Any]:
    waiting = "" if done else "the apply mapping to be Disabled"
    return {"refused": None, "done": done, "waiting_for": waiting, "mapping": mapping, **told}


PAUSED = {"paused_since": 17.0, "paused_by": "arn:ann"}


def test_a_pause_waits_until_the_mapping_is_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FakeFunctions(answer(False, "Enabled", **PAUSED), answer(True, "Disabled", **PAUSED))
    result = run(monkeypatch, functions, "pause")
    assert result.exit_code == 0
    assert result.stderr == "Shop/Orders: waiting for the apply mapping to be Disabled\n"
    assert result.stdout.startswith("Paused Shop/Orders: the apply mapping is Disabled, bulk tasks stop within 2 s")
    assert functions.invoked == [
        ("reread", {"action": "pause", "by": "arn:ann"}),
        ("reread", {"action": "pause", "by": "arn:ann", "goes_on": True}),
    ]


def test_a_pause_before_apply_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    said = run(monkeypatch, FakeFunctions(answer(True, None, **PAUSED)), "pause").stdout
    assert "apply has not begun yet" in said


def test_a_pause_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    said = run(monkeypatch, FakeFunctions(answer(True, "Disabled", **PAUSED)), "pause", "--json").stdout
    told = {"migration": "Shop/Orders", "paused": True, "mapping": "Disabled", **PAUSED, "exit_code": 0}
    assert json.loads(said) == told


def test_a_resume_waits_until_the_mapping_is_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FakeFunctions(answer(False, "Disabled"), answer(True, "Enabled"))
    said = run(monkeypatch, functions, "resume").stdout
    assert said == "Resumed Shop/Orders: the apply mapping is Enabled.\n"


@pytest.mark.parametrize("command", ["pause", "resume", "rate"])
def test_a_refusal_is_exit_code_3(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    result = run(monkeypatch, FakeFunctions({"refused": "the migration is closed, not open"}), command)
    assert result.exit_code == 3
    assert result.stderr == "ddb-migration: the migration refuses: the migration is closed, not open\n"


def rates(reads: float | None, writes: float | None, loaded: float | None = None) -> dict[str, Any]:
    return {"refused": None, "bulk_loaded_at": loaded, READS: reads, WRITES: writes}


def test_rates_are_shown_and_not_changed_without_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FakeFunctions(rates(3000.0, None))
    said = run(monkeypatch, functions, "rate").stdout
    assert functions.invoked == [("reread", {"action": "rate", "rates": {}})]
    wanted = "reads at most 3,000 units a second, and writes as fast as the table takes it.\n"
    assert said == f"Shop/Orders: the bulk load {wanted}"


def test_rates_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FakeFunctions(rates(500.0, 700.0))
    run(monkeypatch, functions, "rate", "--reads", "500", "--writes", "700")
    assert functions.invoked == [("reread", {"action": "rate", "rates": {READS: 500, WRITES: 700}})]


def test_a_limit_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = FakeFunctions(rates(500.0, None))
    said = run(monkeypatch, functions, "rate", "--writes", "none", "--json").stdout
    assert functions.invoked == [("reread", {"action": "rate", "rates": {WRITES: None}})]
    assert json.loads(said)["writes"] is None


def test_the_rate_of_reading_outlives_the_bulk_load(monkeypatch: pytest.MonkeyPatch) -> None:
    said = run(monkeypatch, FakeFunctions(rates(500.0, None, 17.0)), "rate").stdout
    assert said.endswith("it has ended, and what it read at is now the rate of verify.\n")


@pytest.mark.parametrize("text", ["0", "-5", "1.5", "many", ""])
def test_fails_on_what_is_no_rate_of_writing(text: str) -> None:
    with pytest.raises(CommandFailed, match="a whole number from 1 on, or"):
        parse_writes(text)


def test_fails_on_a_rate_of_reading_below_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, FakeFunctions(), "rate", "--reads", "0").exit_code == 2
