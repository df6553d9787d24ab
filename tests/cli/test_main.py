"""The application as a whole: help, exit codes, start-up."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ddb_migration_construct import toolchain
from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.failures import CommandFailed, require
from ddb_migration_construct.cli.main import COMMANDS, app, show_what_can_be_shown
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.cli.fakes import TAGS

RUNNER = CliRunner()


TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """An embedded AWS with a role for state machines."""
    with EmbeddedAws(tmp_path_factory.mktemp("aws")) as aws:
        aws.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(TRUST))
        yield aws


@pytest.fixture
def aws(embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which no call can leave the machine."""
    for name, value in embedded.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def deploy(name: str) -> None:
    queue, dead_letters = (
        client("sqs").create_queue(QueueName=name.replace("/", "-") + ending)["QueueUrl"] for ending in ("", "-dead")
    )
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    client("dynamodb").create_table(
        TableName=name.replace("/", "-"),
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"} for key in (*(key for key, _ in keys), "parked_epoch")
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "parked",
                "KeySchema": [{"AttributeName": "parked_epoch", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    tags = {
        "ddb-migration:name": name,
        **TAGS,
        "ddb-migration:change-queue": queue,
        "ddb-migration:dead-letter-queue": dead_letters,
        "ddb-migration:control-table": name.replace("/", "-"),
    }
    client("stepfunctions").create_state_machine(
        name=name.replace("/", "-"),
        definition=json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/machine",
        tags=[{"key": key, "value": value} for key, value in tags.items()],
    )


@pytest.mark.rehearsal
@pytest.mark.usefixtures("aws")
def test_start_and_status_work_from_name_to_json() -> None:
    deploy("Orders/Migration")
    before = RUNNER.invoke(app, ["status", "Orders/Migration"])
    assert (before.exit_code, before.stdout.count("not started")) == (0, 1)
    started = RUNNER.invoke(app, ["start", "Orders/Migration", "--json"])
    assert started.exit_code == 0, started.output
    after = RUNNER.invoke(app, ["status", "Orders/Migration", "--json"])
    assert json.loads(after.stdout)["execution"]["arn"] == json.loads(started.stdout)["execution"]


@pytest.mark.rehearsal
@pytest.mark.usefixtures("aws")
def test_abort_asks_first_and_takes_no_for_an_answer() -> None:
    deploy("Users/Migration")
    result = RUNNER.invoke(app, ["abort", "Users/Migration"], input="n\n")
    assert result.exit_code == 1
    assert "Abort Users/Migration?" in result.output


@pytest.mark.rehearsal
@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("command", ["list", "start", "status", "abort"])
def test_fails_in_one_line_when_there_is_no_such_migration(command: str) -> None:
    result = RUNNER.invoke(app, [command, "No/Such"])
    assert result.exit_code == 1
    assert "there is no migration 'No/Such'" in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_fails_in_one_line_when_aws_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    result = RUNNER.invoke(app, ["status", "Orders/Migration"])
    assert result.exit_code == 1
    assert "Could not connect to the endpoint" in " ".join(result.output.split())


def test_what_a_code_page_does_not_have_ends_no_command() -> None:
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, "cp932")
    show_what_can_be_shown(stream)
    print("captured 1 \N{MIDDLE DOT} applied 1", file=stream, flush=True)
    assert written.getvalue().split() == b"captured 1 ? applied 1".split()


def test_help_names_every_command_and_hides_plants() -> None:
    shown = RUNNER.invoke(app, ["--help"]).output
    assert all(command in shown for command in (name for name, _, _ in COMMANDS))
    assert "--plant " not in RUNNER.invoke(app, ["rehearse", "--help"]).output


@pytest.mark.parametrize(("name", "example"), [(name, example) for name, _, example in COMMANDS])
def test_help_shows_an_example_that_the_command_understands(name: str, example: str) -> None:
    shown = " ".join(RUNNER.invoke(app, [name, "--help"]).output.split())
    assert f"Example: {example}" in shown
    program, command, *arguments = shlex.split(example)
    assert (program, command) == ("ddb-migration", name)
    group = typer.main.get_group(app)
    with group.make_context(program, [name, *arguments]) as context:
        group.commands[name].make_context(name, arguments, parent=context)


@pytest.mark.parametrize("command", ["start", "status", "reread --parked", "abort"])
def test_fails_when_no_migration_is_named(command: str) -> None:
    result = RUNNER.invoke(app, command.split())
    assert (result.exit_code, result.stdout) == (1, "")
    assert "name a migration, or give --all STACK" in result.stderr


def test_fails_on_an_unknown_key_shape() -> None:
    result = RUNNER.invoke(app, ["rehearse", "--key", "xyz"])
    assert result.exit_code == 1
    assert "key shape 'xyz' is unknown" in result.output


def test_fails_on_items_without_the_key(tmp_path: Path) -> None:
    items = tmp_path / "items.json"
    items.write_text('[{"id": {"S": "a"}}]')
    result = RUNNER.invoke(app, ["rehearse", "--items-file", str(items), "--key", "pk:S"])
    assert result.exit_code == 1
    assert "has no key attribute 'pk' of type S; see --key" in " ".join(result.output.split())


def test_fails_before_it_starts_when_the_report_has_nowhere_to_go(tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["rehearse", "--json", str(tmp_path / "none" / "report.json")])
    assert result.exit_code == 1
    assert "there is no folder" in " ".join(result.output.split())


def test_fails_before_it_starts_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    result = RUNNER.invoke(app, ["rehearse"])
    assert result.exit_code == 1
    assert "needs macOS or Linux; on Windows run it in WSL" in " ".join(result.output.split())


def test_fails_before_it_starts_without_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(toolchain, "_node_of_wheel", lambda: None)
    result = RUNNER.invoke(app, ["rehearse"])
    assert result.exit_code == 1
    assert "no Node 20 or newer was found on PATH; install Node 24" in " ".join(result.output.split())


def test_fails_with_the_extra_to_install() -> None:
    with pytest.raises(CommandFailed, match=r"no_such_module.*install ddb-migration-construct\[rehearsal\]"):
        require("rehearsal", "json", "no_such_module")


def test_starting_the_command_line_imports_nothing_heavy() -> None:
    heavy = ("aws_cdk", "boto3", "botocore", "pyspark", "jsii")
    script = (
        "import sys; import ddb_migration_construct.cli.main; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, env=path, check=True, timeout=60)
    assert done.stdout.strip() == b"[]"
