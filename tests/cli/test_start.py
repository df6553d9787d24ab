"""`ddb-migration start`."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from botocore.exceptions import EndpointConnectionError

from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.frame import Failed, Told
from ddb_migration_construct.cli.migrations import choose, find_migration
from ddb_migration_construct.cli.start import Starter, start_execution
from tests.cli.fakes import FakeDynamoDb, FakeStates
from tests.cli.running import invoked
from tests.fakes.client_errors import client_error


def test_a_migration_starts_with_an_empty_object() -> None:
    states = FakeStates("Orders/Migration")
    told = start_execution(states, find_migration(states, "Orders/Migration"))
    assert [one["executionArn"] for one in states.executions] == [told.values["execution"]]
    assert told.values["started"]


def test_a_stopped_migration_starts_again() -> None:
    states = FakeStates("Orders/Migration")
    states.add("Orders/Migration", status="FAILED")
    start_execution(states, find_migration(states, "Orders/Migration"))
    assert [one["status"] for one in states.executions] == ["FAILED", "RUNNING"]


def test_a_running_migration_is_left_alone() -> None:
    states = FakeStates("Orders/Migration")
    first = start_execution(states, find_migration(states, "Orders/Migration"))
    second = start_execution(states, find_migration(states, "Orders/Migration"))
    assert "runs already; follow it with: ddb-migration status Orders/Migration" in second.text
    assert second.values == {"execution": first.values["execution"], "started": False}
    assert len(states.executions) == 1


class Loads:
    """A control table that knows nothing yet, and bulk loads that end one for each look; notes how many ran at once."""

    def __init__(self, *names: str) -> None:
        self.states = FakeStates(*names)
        self.migrations = choose(self.states, names)
        self.most = 0

    def get_item(self, **_: object) -> dict[str, object]:
        return {}

    def sleep(self, _: float) -> None:
        running = [one for one in self.states.executions if one["status"] == "RUNNING"]
        self.most = max(self.most, len(running))
        running[0]["status"] = "FAILED"


def test_no_more_bulk_loads_than_places_run_at_once() -> None:
    loads = Loads(*(f"Shop/T{number}" for number in range(7)))
    results = list(Starter(loads.states, loads, 3, loads.sleep).run(loads.migrations))
    assert all(isinstance(told, Told) and told.values["started"] for _, told in results)
    assert len(loads.states.executions) == 7
    assert loads.most == 3


def no_sleep(_: float) -> None:
    pytest.fail("there was a place")


def test_a_migration_behind_its_bulk_load_needs_no_place() -> None:
    states = FakeStates("Shop/A", "Shop/B")
    loaded = FakeDynamoDb({"execution": {"S": f"{states.arns[0]}:0"}, "bulk_loaded_at": {"N": "1700000000"}})
    results = list(Starter(states, loaded, 1, no_sleep).run(choose(states, ["Shop/A", "Shop/B"])))
    assert [told.values["started"] for _, told in results if isinstance(told, Told)] == [True, True]


class Refusing(FakeStates):
    """Starts all but the first."""

    def start_execution(self, stateMachineArn: str, input: str) -> dict[str, str]:  # noqa: N803
        if stateMachineArn == self.arns[0]:
            raise CommandFailed("no more executions")
        return super().start_execution(stateMachineArn, input)


def test_one_that_cannot_start_takes_no_place() -> None:
    states = Refusing("Shop/A", "Shop/B")
    results = list(Starter(states, FakeDynamoDb(), 1, no_sleep).run(choose(states, ["Shop/A", "Shop/B"])))
    assert [type(result) for _, result in results] == [Failed, Told]


def test_what_is_complete_begins_anew_only_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    states = FakeStates("Shop/A")
    complete = FakeDynamoDb({"status": {"S": "closed"}, "completed_at": {"N": "1700000000"}})
    clients = {"stepfunctions": states, "dynamodb": complete}
    result = invoked(monkeypatch, clients, "start", "--all", "Shop")
    assert (result.exit_code, states.executions) == (0, [])
    assert "Shop/A is complete, and left alone" in result.stdout
    assert invoked(monkeypatch, clients, "start", "Shop/A").exit_code == 0
    assert len(states.executions) == 1


class Answering(Loads):
    """A control table that does not answer at some looks; the clients keep an error for each."""

    def __init__(self, *names: str, errors: Sequence[Exception]) -> None:
        super().__init__(*names)
        self.errors = list(errors)

    def get_item(self, **request: object) -> dict[str, object]:
        if self.errors:
            raise self.errors.pop(0)
        return super().get_item(**request)


def test_waiting_for_a_place_outlasts_what_aws_does_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    loads = Answering("Shop/A", "Shop/B", errors=[EndpointConnectionError(endpoint_url="dynamodb")])
    results = list(Starter(loads.states, loads, 1, loads.sleep).run(loads.migrations))
    assert [isinstance(told, Told) for _, told in results] == [True, True]
    assert [line for line in capsys.readouterr().err.splitlines() if "started" in line] == [
        "Shop/A: started",
        "Shop/B: started",
    ]


def test_where_the_credentials_end_it_tells_what_has_been_started() -> None:
    expired = client_error("GetItem", "ExpiredTokenException")
    loads = Answering("Shop/A", "Shop/B", "Shop/C", errors=[expired, expired])
    first, *others = (result for _, result in Starter(loads.states, loads, 1, loads.sleep).run(loads.migrations))
    assert isinstance(first, Told)
    assert all(isinstance(other, Failed) and "Sign in again" in other.error for other in others)


def test_a_whole_stack_is_started_and_a_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = {"stepfunctions": Refusing("Shop/A", "Shop/B"), "dynamodb": FakeDynamoDb()}
    result = invoked(monkeypatch, clients, "start", "--all", "Shop")
    assert result.exit_code == 1
    assert "Started Shop/B" in result.stdout
    assert result.stderr == "ddb-migration: Shop/A: no more executions\n"
