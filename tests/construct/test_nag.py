"""cdk-nag's AwsSolutions rules hold, and where one does not, the construct itself carries the reason.

A team that runs cdk-nag, of version 2 or 3, has nothing to write for its migrations.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from cdk_nag import AwsSolutionsChecks

from ddb_migration_construct import DynamoDbTableMigration, nag_reasons
from tests.construct.stacks import migrate
from tests.construct.validation_report import run, violations

CASES = ("defaults", "customer key", "way back")


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def app_with_rules(case: str, out: Path) -> tuple[App, DynamoDbTableMigration]:
    app = App(outdir=str(out), analytics_reporting=False)
    stack = Stack(app, "Orders")
    key = kms.Key(stack, "Key", enable_key_rotation=True) if case == "customer key" else None
    table = dynamodb.Table.from_table_name(stack, "New", "orders-v2")
    back: dict[str, Any] = {}
    if case == "way back":
        back = {"fence_source_writes": True, "rollback_window": Duration.days(3)}
    migration = migrate(stack, destination_table=table, encryption_key=key, **back)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app, migration


def test_the_rules_find_nothing(case: str, tmp_path: Path) -> None:
    app, _ = app_with_rules(case, tmp_path)
    app.synth()
    assert not violations(tmp_path)


def test_each_reason_answers_a_finding(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nag_reasons, "_acknowledge", lambda migration, reasons: carried.update(reasons))
    carried: dict[str, str] = {}
    app, _ = app_with_rules(case, tmp_path)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    assert {violation["ruleName"] for violation in violations(tmp_path)} == set(carried)


def test_a_wildcard_without_a_reason_is_found(tmp_path: Path) -> None:
    app, migration = app_with_rules("defaults", tmp_path)
    role = migration.write_cdc.role
    assert role is not None
    role.add_to_principal_policy(
        iam.PolicyStatement(actions=["dynamodb:*"], resources=["arn:aws:dynamodb:eu-west-1:123456789012:table/*"])
    )
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    found = {violation["ruleName"] for violation in violations(tmp_path)}
    assert "AwsSolutions-IAM5[Action::dynamodb:*]" in found


APP_WITH_CDK_NAG_2 = """
import sys
import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from cdk_nag import AwsSolutionsChecks
from ddb_migration_construct import DynamoDbTableMigration

app = cdk.App(outdir=sys.argv[1], analytics_reporting=False)
stack = cdk.Stack(app, "Orders")
tables = [dynamodb.Table.from_table_name(stack, name, name) for name in ("orders", "orders-v2")]
DynamoDbTableMigration(stack, "OrdersMigration", source_table=tables[0], destination_table=tables[1])
cdk.Aspects.of(app).add(AwsSolutionsChecks(verbose=True))
app.synth()
"""


@pytest.mark.slow
def test_cdk_nag_2_finds_the_reasons(tmp_path: Path) -> None:
    environment, out = tmp_path / "environment", tmp_path / "out"
    uv = Path(sys.prefix, "bin", "uv")
    checkout = Path(__file__).resolve().parents[2]
    needed = ("aws-cdk-lib", "constructs", "jsii", "cdk-nag<3")
    assert run(uv, "venv", "--quiet", "--python", sys.executable, environment, cwd=tmp_path).returncode == 0
    python = environment / "bin" / "python"
    answer = run(uv, "pip", "install", "--quiet", "--python", python, *needed, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    answer = run(python, "-c", APP_WITH_CDK_NAG_2, out, cwd=tmp_path, PYTHONPATH=str(checkout / "src"))
    assert answer.returncode == 0, answer.stderr
    (report,) = out.glob("AwsSolutions-*.csv")
    rows = list(csv.DictReader(report.read_text().splitlines()))
    assert [row for row in rows if row["Compliance"] == "Suppressed"]
    assert not [row for row in rows if row["Compliance"] == "Non-Compliant"]
