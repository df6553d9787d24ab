"""`ddb-migration plan --app`: tables and props out of the templates of an app."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from ddb_migration.core.place import Place
from ddb_migration_construct.cli import clients
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.main import app
from ddb_migration_construct.cli.plan_app import Names, of_here, wishes_of
from ddb_migration_construct.rehearsal.app_selection import AppMigration
from ddb_migration_construct.rehearsal.cloud_assembly import AssemblyStack
from tests.cli.test_plan import World
from tests.fakes.client_errors import client_error

MINIMAL = Path(__file__).resolve().parents[2] / "examples" / "minimal" / "app.py"
HOME = Place("aws", "eu-west-1", "111122223333")
ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
BY_NAME = {
    "Fn::Join": [
        "",
        [
            *("arn:", {"Ref": "AWS::Partition"}, ":dynamodb:", {"Ref": "AWS::Region"}, ":", {"Ref": "AWS::AccountId"}),
            ":table/orders",
        ],
    ]
}


def stack(name: str, **template: Any) -> AssemblyStack:
    return AssemblyStack(name, Path(), Path(), Path(), "aws://unknown-account/unknown-region", template)


class FakeCloudFormation:
    """One deployed table, and one export."""

    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> dict[str, Any]:  # noqa: N803
        if (StackName, LogicalResourceId) != ("Tables", "New"):
            raise client_error("DescribeStackResource", "ValidationError")
        return {"StackResourceDetail": {"PhysicalResourceId": "Tables-New-1"}}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_exports"
        pages = [{"Exports": [{"Name": "elsewhere", "Value": ARN}]}]
        return SimpleNamespace(paginate=lambda: pages)


TABLES = stack(
    "Tables",
    Resources={"Old": {"Type": "t", "Properties": {"TableName": "old-orders"}}, "New": {"Type": "t"}},
    Outputs={"O": {"Export": {"Name": "Tables:New"}, "Value": {"Fn::GetAtt": ["New", "Arn"]}}},
)
MIGRATIONS = stack("Migrations", Resources={"Missing": {"Type": "t"}})


@pytest.mark.parametrize(
    ("where", "value", "named"),
    [
        (MIGRATIONS, "orders", "orders"),
        (MIGRATIONS, BY_NAME, ARN),
        (TABLES, {"Ref": "Old"}, "old-orders"),
        (TABLES, {"Fn::GetAtt": ["New", "Arn"]}, "Tables-New-1"),
        (MIGRATIONS, {"Fn::ImportValue": "Tables:New"}, "Tables-New-1"),
        (MIGRATIONS, {"Fn::ImportValue": "elsewhere"}, ARN),
    ],
    ids=["text", "by name", "its own name", "deployed", "of another stack of the app", "of another app"],
)
def test_tables_are_named(where: AssemblyStack, value: Any, named: str) -> None:
    assert Names([TABLES, MIGRATIONS], FakeCloudFormation(), HOME).of(where, value) == named


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"Fn::GetAtt": ["Missing", "Arn"]}, "deploy the tables' stack first"),
        ({"Fn::ImportValue": "nowhere"}, "nothing in this account and Region exports"),
        ({"Fn::Select": [0, ["a"]]}, "Fn::Select"),
    ],
)
def test_a_table_that_only_a_deployment_can_name(value: Any, told: str) -> None:
    with pytest.raises(CommandFailed, match=told):
        Names([TABLES, MIGRATIONS], FakeCloudFormation(), HOME).of(MIGRATIONS, value)


def test_props_that_only_a_deployment_knows() -> None:
    told = {"MIGRATION_NAME": "Migrations/Orders", "SETTINGS": {"Fn::Join": ["", ["{", {"Ref": "P"}, "}"]]}}
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": told}}}
    migration = AppMigration("Migrations/Orders", stack("Migrations", Resources={"F": function}), "C")
    with pytest.raises(CommandFailed, match="only a deployment knows"):
        wishes_of(migration)


def in_place(name: str, environment: str) -> AppMigration:
    return AppMigration(f"{name}/Orders", AssemblyStack(name, Path(), Path(), Path(), environment, {}), "C")


def test_only_what_is_deployed_here_is_planned_and_the_others_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    open_, here = (
        in_place("Open", "aws://unknown-account/unknown-region"),
        in_place("Here", "aws://111122223333/eu-west-1"),
    )
    elsewhere = [in_place("Prod", "aws://444455556666/eu-west-1"), in_place("Far", "aws://111122223333/us-east-1")]
    assert of_here([elsewhere[0], open_, here, elsewhere[1]], HOME) == [open_, here]
    said = capsys.readouterr().err
    assert "this is account 111122223333, Region eu-west-1" in said
    assert "Prod/Orders: aws://444455556666/eu-west-1\n  Far/Orders: aws://111122223333/us-east-1" in said
    with pytest.raises(CommandFailed, match="not planned, since this is .*\n  Prod/Orders"):
        of_here(elsewhere, HOME)
    assert of_here([here], HOME) == [here]
    assert capsys.readouterr().err == ""


def test_a_way_back_is_planned_as_the_app_has_it() -> None:
    settings = json.dumps(
        {
            "fence_source_writes": True,
            "rollback_window_seconds": 86_400,
            "repair_extra": False,
            "accepted_findings": ["forecast"],
        }
    )
    told = {"MIGRATION_NAME": "Migrations/Orders", "SETTINGS": settings}
    function = {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"Variables": told}}}
    found = wishes_of(AppMigration("Migrations/Orders", stack("Migrations", Resources={"F": function}), "C"))
    assert (found.is_fenced, found.rollback_window_seconds, found.accepted_findings) == (True, 86_400, ["forecast"])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    world.others["cloudformation"] = FakeCloudFormation()
    monkeypatch.setattr(clients, "client", world.client)
    return world


@pytest.fixture
def run(world: World) -> Callable[..., Any]:
    def run(*options: str) -> Any:
        return CliRunner().invoke(app, ["plan", "--app", f"{sys.executable} {MINIMAL}", *options])

    return run


def test_an_app_is_planned_with_the_tables_and_props_of_its_template(run: Callable[..., Any]) -> None:
    answer = run("--json", "--changes-per-second", "5")
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.output)
    assert (told["migration"], told["mode"]) == ("Migrations/OrdersMigration", "direct")
    assert told["retention_seconds"] == 14 * 86_400


def test_a_migration_that_the_app_does_not_have(run: Callable[..., Any]) -> None:
    answer = run("--migration", "Migrations/Nothing")
    assert answer.exit_code == 1
    assert "the app has no migration 'Migrations/Nothing'" in answer.output
