"""cdk-nag's AwsSolutions rules hold, but for those listed here with the reason.

A team that runs cdk-nag acknowledges the same ids on its own migration.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import Acknowledgment, App, Stack, Validations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from cdk_nag import AwsSolutionsChecks

from ddb_migration_construct import DynamoDbTableMigration
from tests.construct.stacks import SOURCE_ARN, migrate
from tests.construct.validation_report import violations

_ACCOUNT = "<AWS::Region>:<AWS::AccountId>"
_BUCKET = "<OrdersMigrationMigrationBucket7EA55080.Arn>"
_MACHINE = "<OrdersMigrationMigrateStateMachine736A7324.Name>"
_ASSETS = "cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>"
_GRANT_READ = "the CDK's own grant_read of an asset; the bucket of the assets is the team's bootstrap bucket"
_VERSIONS = "the CDK's own grant_invoke names the function's versions; the migration makes none"

REASONS = {
    "AwsSolutions-S1": "exports of one migration, deleted with it; a bucket of access logs would outlive it",
    "AwsSolutions-GL3": "bookmarks are off: checkpoints are kept in the control table, which is encrypted",
    "AwsSolutions-IAM5[Resource::*]": "ListStreams, ListEventSourceMappings, X-Ray and log delivery know no "
    "resource; a mapping has no ARN before it exists, so a condition names the functions",
    f"AwsSolutions-IAM5[Resource::{SOURCE_ARN}/stream/*]": "the stream may be made after the deployment",
    f"AwsSolutions-IAM5[Resource::{SOURCE_ARN}/export/*]": "an export's ARN is known when it has been started",
    f"AwsSolutions-IAM5[Resource::{_BUCKET}/export/*]": "the objects of an export, named by DynamoDB",
    f"AwsSolutions-IAM5[Resource::{_BUCKET}/*]": "CleanUp empties the bucket, whatever is in it",
    f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ssm:{_ACCOUNT}:parameter/ddb-migration/destination-locks/*]": (
        "a lock is named by a hash of the destination's ARN, which is computed at run time"
    ),
    f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:states:{_ACCOUNT}:execution:{_MACHINE}:*]": (
        "the executions of the migration's own state machine"
    ),
    f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:logs:{_ACCOUNT}:log-group:/aws-glue/*]": (
        "Glue chooses the log groups of its jobs, below this name"
    ),
    f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{_ASSETS}/*]": _GRANT_READ,
    "AwsSolutions-IAM5[Action::s3:GetObject*]": _GRANT_READ,
    "AwsSolutions-IAM5[Action::s3:GetBucket*]": _GRANT_READ,
    "AwsSolutions-IAM5[Action::s3:List*]": _GRANT_READ,
    "AwsSolutions-IAM5[Resource::<OrdersMigrationSetupCheckFunction393AB0D1.Arn>:*]": _VERSIONS,
    "AwsSolutions-IAM5[Resource::<OrdersMigrationEnableTriggerFunction27487815.Arn>:*]": _VERSIONS,
}
WITHOUT_KEY = {
    "AwsSolutions-GL1": "Glue encrypts logs by a security configuration, which needs a key: pass encryption_key"
}
_GRANT_KEY = "the CDK's own grant_encrypt_decrypt; the resource is the one key"
WITH_KEY = {
    "AwsSolutions-IAM5[Action::kms:ReEncrypt*]": _GRANT_KEY,
    "AwsSolutions-IAM5[Action::kms:GenerateDataKey*]": _GRANT_KEY,
}
CASES = {"defaults": {**REASONS, **WITHOUT_KEY}, "customer key": {**REASONS, **WITH_KEY}}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def app_with_rules(case: str, out: Path) -> tuple[App, DynamoDbTableMigration]:
    app = App(outdir=str(out), analytics_reporting=False)
    stack = Stack(app, "Orders")
    key = kms.Key(stack, "Key", enable_key_rotation=True) if case == "customer key" else None
    table = dynamodb.Table.from_table_name(stack, "New", "orders-v2")
    migration = migrate(stack, destination_table=table, encryption_key=key)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app, migration


def test_clean_with_the_acknowledgements(case: str, tmp_path: Path) -> None:
    app, migration = app_with_rules(case, tmp_path)
    for rule, reason in CASES[case].items():
        Validations.of(migration).acknowledge(Acknowledgment(id=rule, reason=reason))
    app.synth()
    assert not violations(tmp_path)


def test_each_acknowledgement_is_needed(case: str, tmp_path: Path) -> None:
    app, _ = app_with_rules(case, tmp_path)
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()
    assert {violation["ruleName"] for violation in violations(tmp_path)} == set(CASES[case])
