"""A team's app from its command on: what goes wrong is said in the team's words, and its tables get their shape."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.app_selection import AppNotRehearsable
from ddb_migration_construct.rehearsal.imported_tables import complete_tables, indexed_attributes, shape_of
from ddb_migration_construct.rehearsal.items import HostileItems
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.options import AS_THE_APP_SAYS, RehearsalOptions
from ddb_migration_construct.rehearsal.run import rehearse
from ddb_migration_construct.rehearsal.synthesis import Synthesis, SynthesisFailed
from ddb_migration_construct.rehearsal.team_app import TeamApp, app_synthesis
from tests.rehearsal.assemblies import migration, write

DESTINATION = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "city", "AttributeType": "N"},
        {"AttributeName": "sk", "AttributeType": "B"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-city",
            "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "ALL"},
            "IndexStatus": "ACTIVE",
        }
    ],
}


class FakeDynamoDb:
    """Tables by name."""

    class exceptions:  # noqa: N801  boto3's own name
        class ResourceNotFoundException(Exception):
            pass

    def __init__(self, **tables: Any) -> None:
        self.tables = tables
        self.created: dict[str, Any] = {}
        self.recovered: list[str] = []

    def describe_table(self, TableName: str) -> Any:  # noqa: N803  boto3's own name
        if TableName not in self.tables:
            raise self.exceptions.ResourceNotFoundException
        return {"Table": self.tables[TableName]}

    def create_table(self, TableName: str, **properties: Any) -> None:  # noqa: N803
        self.created[TableName] = properties

    def update_continuous_backups(self, TableName: str, **_: Any) -> None:  # noqa: N803
        self.recovered.append(TableName)


def test_an_imported_source_gets_the_destinations_keys_and_indexes_a_stream_and_recovery() -> None:
    client = FakeDynamoDb(new=DESTINATION)
    (made,) = complete_tables(client, "old", "new", KeyShape.parse("sn"))
    assert made == (
        "table old, which the app imports: key pk:S,sk:B as the other table has, 1 secondary indexes, "
        "a stream and point-in-time recovery"
    )
    created = client.created["old"]
    assert created["KeySchema"] == DESTINATION["KeySchema"]
    assert created["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert [set(index) for index in created["GlobalSecondaryIndexes"]] == [{"IndexName", "KeySchema", "Projection"}]
    assert client.recovered == ["old"]


def test_an_imported_destination_gets_the_sources_keys_and_no_stream() -> None:
    client = FakeDynamoDb(old=DESTINATION)
    complete_tables(client, "old", "new", KeyShape.parse("sn"))
    assert "StreamSpecification" not in client.created["new"]
    assert client.recovered == []


def test_an_imported_destination_that_may_be_rolled_back_gets_a_stream() -> None:
    client = FakeDynamoDb(old=DESTINATION)
    (made,) = complete_tables(client, "old", "new", KeyShape.parse("sn"), can_roll_back=True)
    assert made.endswith(", a stream")
    assert client.created["new"]["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert client.recovered == []


def test_two_imported_tables_get_the_key_that_was_given() -> None:
    client = FakeDynamoDb()
    made = complete_tables(client, "old", "new", KeyShape.parse("id:S"))
    assert [created["KeySchema"] for created in client.created.values()] == [
        [{"AttributeName": "id", "KeyType": "HASH"}]
    ] * 2
    assert all("as --key says" in one for one in made)


def test_nothing_is_made_where_both_tables_are_the_apps_own() -> None:
    client = FakeDynamoDb(old=DESTINATION, new=DESTINATION)
    assert complete_tables(client, "old", "new", KeyShape.parse("sn")) == []
    assert client.created == {}


def test_generated_items_fit_the_indexes() -> None:
    shape, indexed = shape_of(DESTINATION), indexed_attributes(DESTINATION)
    assert indexed == {"city": "N"}
    items = [HostileItems(3, shape, indexed).item(index) for index in range(100)]
    cities = [item["city"] for item in items if "city" in item]
    assert 20 < len(cities) < 80
    assert all(set(city) == {"N"} for city in cities)


def test_items_without_indexes_are_those_that_the_seed_always_gave() -> None:
    shape = KeyShape.parse("sn")
    assert HostileItems(3, shape).item(7) == HostileItems(3, shape, {}).item(7)


def options(command: str, **more: Any) -> RehearsalOptions:
    return RehearsalOptions(10, 0, AS_THE_APP_SAYS, KeyShape.parse("sn"), seed=1, app=command, **more)


def failure(tmp_path: Path, command: str, **more: Any) -> str:
    report = tmp_path / "report.json"
    assert rehearse(options(command, json_file=report, **more)) == 1
    found = json.loads(report.read_text())
    assert found["verdict"] == "failed"
    return str(found["failure"]["cause"])


def test_a_command_that_fails_is_shown_with_what_it_said(tmp_path: Path) -> None:
    said = failure(tmp_path, "echo no module named orders >&2; exit 3")
    assert "ended with exit code 3" in said
    assert "no module named orders" in said


def test_a_command_that_writes_no_assembly_is_told_what_to_end_with(tmp_path: Path) -> None:
    assert "it must end with app.synth()" in failure(tmp_path, "true")


def script(tmp_path: Path, stacks: Any) -> str:
    """Return a command that writes an assembly of these stacks, as an app does."""
    made = write(tmp_path / "made", stacks)
    return f'mkdir -p "$CDK_OUTDIR" && cp {made}/* "$CDK_OUTDIR"'


def test_an_app_without_a_migration_fails_with_what_to_do(tmp_path: Path) -> None:
    said = failure(tmp_path, script(tmp_path, {"Web": {}}))
    assert "the app has no DynamoDbTableMigration; its stacks are: Web" in said


def test_a_migration_that_is_not_there_fails_with_those_that_are(tmp_path: Path) -> None:
    command = script(tmp_path, {"Migrations": migration("a", "b")})
    assert "has no migration 'Orders'; it has Migrations/Orders" in failure(tmp_path, command, migration="Orders")


def test_the_command_gets_the_context_of_cdk_json_and_the_embedded_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdk.json").write_text('{"app": "x", "context": {"stage": "dev", "both": "cdk.json"}}')
    (tmp_path / "cdk.context.json").write_text('{"looked-up": 7, "both": "cdk.context.json"}')
    (tmp_path / "work").mkdir()
    with app_synthesis('echo "$CDK_CONTEXT_JSON $CDK_DEFAULT_ACCOUNT" > seen', tmp_path / "work") as synthesis:
        synthesis.wait()
    context, _, account = (tmp_path / "seen").read_text().strip().rpartition(" ")
    assert json.loads(context) == {
        "stage": "dev",
        "looked-up": 7,
        "both": "cdk.json",
        "aws:cdk:enable-path-metadata": True,
        "aws:cdk:bundling-stacks": [],
    }
    assert account == "123456789012"


def test_a_context_that_no_variable_holds_is_passed_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cdk.context.json").write_text(json.dumps({"looked-up": "x" * 200_000}))
    (tmp_path / "work").mkdir()
    with app_synthesis('cat "$CONTEXT_OVERFLOW_LOCATION_ENV" > seen', tmp_path / "work") as synthesis:
        synthesis.wait()
    assert json.loads((tmp_path / "seen").read_text())["looked-up"] == "x" * 200_000


def test_the_rehearsals_own_app_takes_no_module_of_the_folder_it_is_called_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "constructs").mkdir()
    (tmp_path / "constructs" / "__init__.py").write_text("raise SystemExit('taken from here')")
    (tmp_path / "work").mkdir()
    importing = (sys.executable, "-m", "constructs")
    with Synthesis(tmp_path / "work", {}, os.environ, importing) as synthesis, pytest.raises(SynthesisFailed) as failed:
        synthesis.wait()
    assert "taken from here" not in str(failed.value)


def test_python_is_the_one_that_runs_this_unless_an_environment_is_active(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    with app_synthesis("command -v python > seen", tmp_path / "work") as synthesis:
        synthesis.wait()
    assert Path((tmp_path / "seen").read_text().strip()).parent == Path(sys.executable).parent


def test_a_folder_without_an_assembly_is_no_app(tmp_path: Path) -> None:
    with pytest.raises(AppNotRehearsable, match=r"app\.synth\(\)"):
        TeamApp(tmp_path, None)
