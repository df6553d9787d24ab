"""Apps as teams have them, from their command on: tables in one stack, migrations in another, the rest left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ddb_migration_construct.cli.main import app

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
# The first migration's source is named in Parameter Store by somebody else, the second's destination by an ARN.
APP = """
import os

from aws_cdk import App, Environment, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm

from ddb_migration_construct import DynamoDbTableMigration

HERE = Environment(account="111122223333", region="eu-west-1")
app = App()
tables, migrations = Stack(app, "Tables", env=HERE), Stack(app, "Migrations", env=HERE)
pk = dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING)
sk = dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.NUMBER)
city = dynamodb.Attribute(name="city", type=dynamodb.AttributeType.STRING)

orders = dynamodb.Table(
    tables, "Orders", partition_key=pk, sort_key=sk, billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
    encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED, encryption_key=kms.Key(tables, "TableKey"),
)
orders.add_global_secondary_index(index_name="by-city", partition_key=city)
old_users = dynamodb.TableV2(
    tables, "OldUsers", partition_key=pk, dynamo_stream=dynamodb.StreamViewType.NEW_IMAGE,
    point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
        point_in_time_recovery_enabled=True
    ),
)
sns.Topic(tables, "Alerts", topic_name=app.node.try_get_context("topic"))
sns.Topic(migrations, "Others")
DynamoDbTableMigration(
    migrations, "Orders",
    source_table=dynamodb.Table.from_table_name(
        migrations, "Old", ssm.StringParameter.value_for_string_parameter(migrations, "/orders/table")
    ),
    destination_table=orders,
    encryption_key=kms.Key(migrations, "Key"),
)
DynamoDbTableMigration(
    migrations, "Users",
    source_table=old_users,
    destination_table=dynamodb.Table.from_table_arn(
        migrations, "New", "arn:aws:dynamodb:eu-west-1:111122223333:table/users-v2"
    ),
)
app.synth()
"""

pytestmark = [pytest.mark.slow, pytest.mark.rehearsal, pytest.mark.timeout(900)]


def rehearsed(folder: Path, report: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> dict[str, Any]:
    """Rehearse the app of a folder, require an equal end, and return the report."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    command = ["rehearse", "--app", "python app.py", "--items", "150", "--json", str(report), *options]
    result = CliRunner().invoke(app, command)
    found: dict[str, Any] = json.loads(report.read_text())
    assert (result.exit_code, found["verdict"]) == (0, "equal"), result.output
    return found


def test_tables_in_one_stack_and_two_migrations_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "cdk.json").write_text('{"context": {"topic": "alerts"}}')
    found = rehearsed(tmp_path, tmp_path / "report.json", monkeypatch)
    orders, users = found["rehearsals"]
    assert (orders["migration"], users["migration"]) == ("Migrations/Orders", "Migrations/Users")
    assert orders["made"] == [
        "table orders.table, which the app imports: key pk:S,sk:N as the other table has, 1 secondary indexes, "
        "a stream and point-in-time recovery"
    ]
    assert users["made"] == ["table users-v2, which the app imports: key pk:S as the other table has"]
    assert found["left_out"] == [
        "Tables: Alerts (AWS::SNS::Topic)",
        "Migrations: Others (AWS::SNS::Topic)",
        "Migrations: DdbMigrationDashboard/Dashboard (AWS::CloudWatch::Dashboard)",
    ]
    assert all(one["mode"] == "direct" and one["applied"] > 0 for one in (orders, users))


def test_one_of_the_migrations_from_an_export_with_items_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app.py").write_text(APP)
    items = [{"pk": {"S": f"p{n}"}, "sk": {"N": str(n)}, "city": {"S": f"c{n % 3}"}} for n in range(40)]
    (tmp_path / "items.json").write_text(json.dumps(items))
    options = ("--migration", "Migrations/Orders", "--mode", "large", "--items-file", "items.json")
    found = rehearsed(tmp_path, tmp_path / "report.json", monkeypatch, *options)
    assert (found["migration"], found["mode"]) == ("Migrations/Orders", "large")
    assert found["source_items"] > 0


@pytest.mark.parametrize(("example", "migrations"), [("minimal", 1), ("leaving_amplify", 2)])
def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, example: str, migrations: int) -> None:
    found = rehearsed(EXAMPLES / example, tmp_path / "report.json", monkeypatch)
    made = [table for one in found.get("rehearsals", [found]) for table in one["made"]]
    # Each imports its sources; the smallest app imports the destination too.
    assert len(made) == 2
    assert len(found.get("rehearsals", [found])) == migrations
