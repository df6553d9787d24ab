"""The rights of each role fit into it, however long the names are that CloudFormation and the team choose."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from ddb_migration_construct import DynamoDbTableMigration
from tests.construct.stacks import documents, migrate, new_stack, plain, statements, template_of

# IAM quotas, "IAM and STS character limits": all inline policies of a role together, white space not counted.
MOST_CHARACTERS = 10_240
# The longest physical names, by each service's API.
LONGEST = {
    "AWS::DynamoDB::Table": 255,
    "AWS::Glue::Job": 255,
    "AWS::IAM::Role": 64,
    "AWS::KMS::Key": 36,
    "AWS::Lambda::Function": 64,
    "AWS::Logs::LogGroup": 512,
    "AWS::S3::Bucket": 63,
    "AWS::SQS::Queue": 80,
    "AWS::StepFunctions::StateMachine": 80,
}
PSEUDO = {"AWS::AccountId": "1" * 12, "AWS::Region": "us-gov-west-1", "AWS::Partition": "aws-us-gov"}
PLACEHOLDER = re.compile(r"\$\{([\w:]+)\}")
SECRETS = "arn:aws-us-gov:secretsmanager:us-gov-west-1:111111111111:secret:"


def written_out(value: Any, template: dict[str, Any]) -> Any:
    """A value with each intrinsic function replaced by the longest text that it can become."""
    if isinstance(value, list):
        return [written_out(entry, template) for entry in value]
    if not isinstance(value, dict):
        return value
    ((name, given), *others) = value.items() or [("", "")]
    if others or not (name == "Ref" or name.startswith("Fn::")):
        return {key: written_out(entry, template) for key, entry in value.items()}
    return computed(name, given, template)


def computed(function: str, given: Any, template: dict[str, Any]) -> str:
    if function == "Fn::Join":
        return str(given[0]).join(written_out(given[1], template))
    if function == "Fn::Sub":
        return PLACEHOLDER.sub(lambda found: PSEUDO[found[1]], given)
    if function == "Ref":
        return PSEUDO.get(given) or longest(template, given, "")
    assert function == "Fn::GetAtt", function
    return longest(template, *given)


def longest(template: dict[str, Any], id: str, attribute: str) -> str:
    name = "n" * LONGEST[template["Resources"][id]["Type"]]
    return name if attribute in ("", "Name") else f"arn:aws-us-gov:a-service:us-gov-west-1:{'1' * 12}:{name}"


def sizes(template: dict[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for role, document in documents(template):
        text = json.dumps(written_out(document, template), separators=(",", ":"))
        found[role] = found.get(role, 0) + len(text)
    return found


def test_the_largest_role_holds_its_rights(capsys: pytest.CaptureFixture[str]) -> None:
    stack = new_stack()
    keys = {name: kms.Key(stack, f"{name}Key") for name in ("Own", "Old", "New")}
    id = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
    tables = [dynamodb.Table(stack, name, partition_key=id, encryption_key=keys[name]) for name in ("Old", "New")]
    migrate(
        stack,
        source_table=tables[0],
        destination_table=tables[1],
        encryption_key=keys["Own"],
        enable_source_features=True,
        fence_source_writes=True,
        rollback_window=Duration.days(3),
    )
    found = sizes(template_of(stack))
    largest = max(found, key=lambda role: found[role])
    with capsys.disabled():
        print(f"\nthe largest role, {largest}, holds {found[largest]} of {MOST_CHARACTERS} characters")
    # A team may add rights of its own.
    assert found[largest] < MOST_CHARACTERS - 1000


def test_rights_that_a_team_adds_are_in_the_role_too() -> None:
    stack = new_stack()
    migration: DynamoDbTableMigration = migrate(stack)
    added = iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[f"{SECRETS}orders"])
    migration.write_cdc.add_to_role_policy(added)
    key = kms.Key(stack, "Key")
    key.grant_decrypt(migration.write_cdc)
    template = template_of(stack)
    rights = [plain(statement) for role, statement in statements(template) if role == "WriteCdcRole"]
    assert [statement["Action"] for statement in rights][-2:] == ["secretsmanager:GetSecretValue", "kms:Decrypt"]
    assert not [id for id in template["Resources"] if "DefaultPolicy" in id]
