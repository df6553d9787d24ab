"""The frame of all commands: one result for each migration, lines or JSON, one exit code."""

from __future__ import annotations

import io
import json
import threading
import time

import boto3
import pytest
import typer
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, NoRegionError

from ddb_migration_construct.cli import waiting
from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed, aws_errors
from ddb_migration_construct.cli.frame import Told, ask, complete_names, run
from ddb_migration_construct.cli.migrations import Migration, choose
from ddb_migration_construct.cli.waiting import wait
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


def test_an_interrupted_command_begins_no_more_and_waits_for_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(waiting, "_interrupted", threading.Event())
    many = choose(FakeStates(*(f"Shop/T{number:02}" for number in range(20))), [], "Shop")
    begun: list[str] = []

    def abort_one(migration: Migration) -> Told:
        begun.append(migration.name)
        if migration.name == "Shop/T00":
            # As if Ctrl-C came while the first one is waited for.
            time.sleep(0.2)
            raise KeyboardInterrupt
        wait(30)
        return Told("done")

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(many, abort_one, as_json=False)
    assert time.monotonic() - began < 10
    said = capsys.readouterr().err
    assert len(begun) < len(many)
    assert all((one.name in said.split("Not begun: ")[1]) == (one.name not in begun) for one in many)


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


def test_the_list_shows_the_others_where_one_has_lost_its_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    states = FakeStates("Shop/Old", "Shop/Orders")
    del states.tags[states.arns[0]]["ddb-migration:clean-up"]
    result = invoked(monkeypatch, {"stepfunctions": states, "dynamodb": FakeDynamoDb()}, "list", "--json")
    assert [json.loads(row)["migration"] for row in result.stdout.splitlines()] == ["Shop/Orders"]
    assert (result.exit_code, "Shop/Old: its state machine" in result.stderr) == (1, True)


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


@pytest.fixture
def own_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of boto3's that keeps nothing of this test's environment for the next one."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.mark.usefixtures("own_session")
def test_the_region_is_that_of_the_aws_cli(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert client("stepfunctions").meta.region_name == "eu-west-1"
    assert client("pricing").meta.region_name == "us-east-1"
    monkeypatch.delenv("AWS_REGION")
    assert client("stepfunctions").meta.region_name == "us-west-2"


@pytest.mark.usefixtures("own_session")
def test_a_call_is_tried_as_often_as_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_MAX_ATTEMPTS", raising=False)
    monkeypatch.delenv("AWS_RETRY_MODE", raising=False)
    assert client("sqs").meta.config.retries["total_max_attempts"] == 8
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    assert client("sqs").meta.config.retries["total_max_attempts"] == 2


def test_whoever_is_asked_is_told_which_account_and_region(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(typer.Abort):
        ask("Abort {names}?", MIGRATIONS[:2], yes=False)
    assert "Account 123456789012, us-east-1: Abort Shop/A, Shop/B?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NoRegionError(), "Set AWS_REGION"),
        (NoCredentialsError(), "Sign in, or set AWS_PROFILE"),
        (ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "Invoke"), "Sign in again"),
        (ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "!"}}, "Invoke"), "all in use"),
        (EndpointConnectionError(endpoint_url="x"), 'Could not connect to the endpoint URL: "x"'),
    ],
)
def test_what_a_new_operator_meets_first_says_what_to_do(error: Exception, advice: str) -> None:
    with pytest.raises(CommandFailed, match=advice), aws_errors():
        raise error
