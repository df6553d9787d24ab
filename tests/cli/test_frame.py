"""The frame of all commands: one result for each migration, lines or JSON, one exit code."""

from __future__ import annotations

import json

import pytest
import typer
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from ddb_migration_construct.cli.failures import REFUSED, CommandFailed, aws_errors
from ddb_migration_construct.cli.frame import Told, complete_names, run
from ddb_migration_construct.cli.migrations import Migration, choose
from ddb_migration_construct.cli.words import addressed
from tests.cli.fakes import FakeDynamoDb, FakeStates
from tests.cli.running import invoked

MIGRATIONS = choose(FakeStates("Shop/A", "Shop/B", "Shop/C"), ["Shop/A", "Shop/B", "Shop/C"])
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "Invoke")


def act(migration: Migration) -> Told:
    """Refuse A, fail at B by AWS, do C."""
    if migration.name == "Shop/A":
        raise CommandFailed("the migration refuses: cut over already", REFUSED)
    if migration.name == "Shop/B":
        raise DENIED
    return Told("done C", {"done": True})


def ended(as_json: bool, *migrations: Migration) -> int:
    try:
        run(migrations or MIGRATIONS, act, as_json)
    except typer.Exit as leaving:
        return leaving.exit_code
    return 0


def test_one_failure_stops_no_other_and_the_highest_code_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(False) == REFUSED
    said = capsys.readouterr()
    assert said.out == "done C\n"
    assert said.err.splitlines() == [
        "ddb-migration: Shop/A: the migration refuses: cut over already",
        "ddb-migration: Shop/B: AWS: An error occurred (AccessDenied) when calling the Invoke operation: not you "
        "The construct's grant_read and grant_operate give a role what these commands need.",
    ]


def test_json_is_one_object_for_each_migration_in_the_order_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(True) == REFUSED
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["migration"] for one in told] == ["Shop/A", "Shop/B", "Shop/C"]
    assert [one["exit_code"] for one in told] == [3, 1, 0]
    assert (told[0]["error"], told[2]["done"]) == ("the migration refuses: cut over already", True)


def test_all_done_is_exit_code_0_and_a_single_failure_names_no_migration(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(False, MIGRATIONS[2]) == 0
    assert ended(False, MIGRATIONS[0]) == REFUSED
    assert capsys.readouterr().err == "ddb-migration: the migration refuses: cut over already\n"


def test_names_are_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddb_migration_construct.cli.frame.client", lambda _: FakeStates("Shop/A", "Users/A"))
    assert complete_names("Sh") == ["Shop/A"]


def test_nothing_is_completed_where_aws_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: str) -> None:
        raise DENIED

    monkeypatch.setattr("ddb_migration_construct.cli.frame.client", denied)
    assert complete_names("Sh") == []


def test_the_list_is_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    states = FakeStates("Shop/Orders", "A/B", plain=("Other",))
    states.add("Shop/Orders", status="RUNNING")
    clients = {"stepfunctions": states, "dynamodb": FakeDynamoDb({"phase": {"S": "Drain"}, "status": {"S": "open"}})}
    assert invoked(monkeypatch, clients, "list").stdout.splitlines() == [
        "NAME         TABLES                PHASE  EPOCH  EXECUTION",
        "A/B          orders-old -> orders  Drain  open   -",
        "Shop/Orders  orders-old -> orders  Drain  open   RUNNING",
    ]
    rows = invoked(monkeypatch, clients, "list", "--all", "Shop", "--json").stdout.splitlines()
    assert [json.loads(row)["execution"] for row in rows] == ["RUNNING"]


def test_an_account_without_migrations_is_told_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = {"stepfunctions": FakeStates(plain=("Other",)), "dynamodb": FakeDynamoDb()}
    result = invoked(monkeypatch, clients, "list")
    told = "there are no migrations in this account and Region; check profile and Region\n"
    assert (result.exit_code, result.stdout) == (0, told)


def test_a_command_that_is_told_without_a_name_gets_it() -> None:
    told = "run ddb-migration reread --parked, or ddb-migration verify; ddb-migration list shows them"
    named = "run ddb-migration reread A/B --parked, or ddb-migration verify A/B; ddb-migration list shows them"
    assert addressed(told, "A/B") == named
    assert addressed(named, "A/B") == named
    assert addressed("ddb-migration start C/D", "A/B") == "ddb-migration start C/D"


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NoRegionError(), "Set AWS_REGION"),
        (NoCredentialsError(), "Sign in, or set AWS_PROFILE"),
        (ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "Invoke"), "Sign in again"),
        (EndpointConnectionError(endpoint_url="x"), 'Could not connect to the endpoint URL: "x"'),
    ],
)
def test_what_a_new_operator_meets_first_says_what_to_do(error: Exception, advice: str) -> None:
    with pytest.raises(CommandFailed, match=advice), aws_errors():
        raise error
