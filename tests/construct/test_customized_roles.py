"""An app whose roles others make (`iam.Role.customize_roles`): the CDK's report tells them the rights of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam

from tests.construct.stacks import as_list, migrate, resources_of

ADDED = "secretsmanager:GetSecretValue"


def reported(out: Path) -> dict[str, set[str]]:
    """The actions of each role, as the report has them, by the role's path in the migration."""
    report: dict[str, Any] = json.loads((out / "iam-policy-report.json").read_text())
    return {
        role["roleConstructPath"].removeprefix("Orders/OrdersMigration/"): {
            action for statement in role["identityPolicyStatements"] for action in as_list(statement["Action"])
        }
        for role in report["roles"]
    }


def test_the_report_has_the_rights_of_each_role(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path), analytics_reporting=False)
    stack = Stack(app, "Orders")
    iam.Role.customize_roles(stack)
    migration = migrate(stack)
    migration.write_cdc.add_to_role_policy(iam.PolicyStatement(actions=[ADDED], resources=["*"]))
    app.synth()
    found = reported(tmp_path)
    assert {"dynamodb:PutItem", "dynamodb:DeleteItem", "sqs:DeleteMessage", ADDED} <= found["WriteCdc/Role"]
    assert {"dynamodb:Scan", "dynamodb:BatchWriteItem"} <= found["DirectMigrationJob/Role"]
    assert {"glue:StartJobRun", "lambda:InvokeFunction"} <= found["Migrate/StateMachineRole"]
    template = json.loads((tmp_path / "Orders.template.json").read_text())
    assert not resources_of(template, "AWS::IAM::Role")
