"""`encryption_key`: what it encrypts, and who may use it."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_kms as kms

from tests.construct.stacks import (
    as_list,
    environment,
    migrate,
    new_stack,
    plain,
    properties,
    resources_of,
    statements,
    template_of,
)
from tests.construct.test_tables import KEY_ARN, WRITING

# All that hold a role of the migration; the state machine itself touches nothing that is encrypted.
USERS = [
    *("SetupCheck", "StreamProcessor", "EnableTrigger", "WriteCdc", "CutOver", "CleanUp", "Reread"),
    *("DirectMigrationJob", "LargeMigrationJob", "VerifyJob"),
]


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    stack = new_stack()
    migrate(stack, encryption_key=kms.Key(stack, "Key"))
    return template_of(stack)


@pytest.mark.parametrize("queue", ["ChangeQueue", "ChangeQueueDeadLetterQueue"])
def test_queues(template: dict[str, Any], queue: str) -> None:
    found = plain(properties(template, "AWS::SQS::Queue", queue))
    assert found["KmsMasterKeyId"] == "<Key.Arn>"
    # SQS takes one kind of encryption, not both.
    assert "SqsManagedSseEnabled" not in found


def test_bucket(template: dict[str, Any]) -> None:
    (rule,) = plain(properties(template, "AWS::S3::Bucket"))["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {
        "BucketKeyEnabled": True,
        "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "<Key.Arn>"},
    }


def test_an_export_names_the_key() -> None:
    """Whatever the bucket's default is, DynamoDB says itself how it encrypts an object."""
    for has_key, told in ((True, "<Key.Arn>"), (False, None)):
        stack = new_stack()
        migrate(stack, encryption_key=kms.Key(stack, "Key") if has_key else None)
        assert plain(environment(template_of(stack), "EnableTrigger")).get("MIGRATION_KEY") == told


def test_control_table(template: dict[str, Any]) -> None:
    found = plain(properties(template, "AWS::DynamoDB::Table", "ControlTable"))
    assert found["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": "<Key.Arn>"}


def test_logs(template: dict[str, Any]) -> None:
    assert plain(properties(template, "AWS::Logs::LogGroup"))["KmsKeyId"] == "<Key.Arn>"


def test_logs_of_the_jobs(template: dict[str, Any]) -> None:
    found = plain(properties(template, "AWS::Glue::SecurityConfiguration"))
    assert found["EncryptionConfiguration"] == {
        "CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": "<Key.Arn>"},
        "S3Encryptions": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": "<Key.Arn>"}],
    }
    jobs = resources_of(template, "AWS::Glue::Job").values()
    assert [plain(job["Properties"]["SecurityConfiguration"]) for job in jobs] == ["<JobSecurity>"] * 3


def test_cloud_watch_logs_may_use_the_key(template: dict[str, Any]) -> None:
    policy = plain(properties(template, "AWS::KMS::Key"))["KeyPolicy"]["Statement"]
    (found,) = [statement for statement in policy if "Service" in statement["Principal"]]
    assert found["Principal"] == {"Service": "logs.<AWS::Region>.<AWS::URLSuffix>"}
    assert set(found["Action"]) == {
        *("kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*")
    }


def test_who_may_use_the_key(template: dict[str, Any]) -> None:
    assert users(template, "<Key.Arn>") == {f"{user}Role": WRITING for user in USERS}


def test_an_imported_key() -> None:
    stack = new_stack()
    migrate(stack, encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN))
    template = template_of(stack)
    assert users(template, KEY_ARN) == {f"{user}Role": WRITING for user in USERS}
    assert properties(template, "AWS::Logs::LogGroup")["KmsKeyId"] == KEY_ARN


def test_a_key_of_another_stack() -> None:
    app = App(analytics_reporting=False)
    keys, stack = Stack(app, "Keys"), Stack(app, "Orders")
    migrate(stack, encryption_key=kms.Key(keys, "Key"))
    template = template_of(stack)
    assert plain(properties(template, "AWS::Logs::LogGroup"))["KmsKeyId"].startswith("<imported Keys:")
    # The stack of the keys must not need that of the migration, which needs it.
    assert "Orders" not in str(template_of(keys))


def test_another_key_makes_another_configuration() -> None:
    """CloudFormation replaces it, and could not create the new one under the old one's name."""
    names = set()
    for arn in (KEY_ARN, KEY_ARN.replace("1234abcd", "9876fedc")):
        stack = new_stack()
        migrate(stack, encryption_key=kms.Key.from_key_arn(stack, "Key", arn))
        names.add(properties(template_of(stack), "AWS::Glue::SecurityConfiguration")["Name"])
    assert len(names) == 2
    assert max(map(len, names)) <= 255


def users(template: dict[str, Any], key: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for role, statement in statements(template):
        if key in as_list(statement["Resource"]):
            found.setdefault(role, set()).update(as_list(statement["Action"]))
    return found
