"""A table's resource policy is judged as on AWS; each test is the canary of a hook in ``table_policies``."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ddb_migration.core.fence import fence_sid, fence_statement, with_fence
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.fakes.making import create_table

TRUSTED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
DENIED = pytest.raises(ClientError, match="AccessDenied")
ITEM = {"pk": {"S": "a"}}
WRITES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("put_item", {"TableName": "fenced", "Item": ITEM}),
    ("delete_item", {"TableName": "fenced", "Key": ITEM}),
    ("update_item", {"TableName": "fenced", "Key": ITEM}),
    ("batch_write_item", {"RequestItems": {"fenced": [{"PutRequest": {"Item": ITEM}}]}}),
    ("transact_write_items", {"TransactItems": [{"Put": {"TableName": "fenced", "Item": ITEM}}]}),
    ("execute_statement", {"Statement": "INSERT INTO \"fenced\" VALUE {'pk': 'b'}"}),
    ("execute_statement", {"Statement": "DELETE FROM \"fenced\" WHERE pk = 'a'"}),
)


def _role(aws: EmbeddedAws, name: str, table: str) -> tuple[str, Any]:
    """A role that may do everything to a table, and its client."""
    iam = aws.client("iam")
    arn = iam.create_role(RoleName=name, Path="/some/path/", AssumeRolePolicyDocument=json.dumps(TRUSTED))["Role"][
        "Arn"
    ]
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": table}]}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(allow))
    keys = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    session = boto3.session.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    return arn, session.client("dynamodb", endpoint_url=aws.url)


def test_the_fence_denies_every_way_to_write_to_everyone_but_the_exempt(aws: EmbeddedAws) -> None:
    root = aws.client("dynamodb")
    table = create_table(root, "fenced", ("pk", "S"))
    _, other = _role(aws, "application", table)
    exempt_arn, exempt = _role(aws, "exempt", table)
    root.put_item(TableName="fenced", Item=ITEM)
    policy = with_fence(None, fence_statement(fence_sid("control"), table, [exempt_arn]))
    root.put_resource_policy(ResourceArn=table, Policy=policy)
    for client in (root, other):
        for method, request in WRITES:
            with DENIED:
                getattr(client, method)(**request)
        assert client.get_item(TableName="fenced", Key=ITEM)["Item"] == ITEM
    exempt.put_item(TableName="fenced", Item={"pk": {"S": "c"}})
    time.sleep(0.4)
    root.delete_resource_policy(ResourceArn=table)
    other.put_item(TableName="fenced", Item=ITEM)


def test_a_policy_cannot_be_changed_twice_within_fifteen_seconds(aws: EmbeddedAws) -> None:
    root = aws.client("dynamodb")
    table = create_table(root, "blocked", ("pk", "S"))
    policy = with_fence(None, fence_statement(fence_sid("control"), table))
    root.put_resource_policy(ResourceArn=table, Policy=policy, ExpectedRevisionId="NO_POLICY")
    with pytest.raises(ClientError, match="ResourceInUse"):
        root.delete_resource_policy(ResourceArn=table)
    time.sleep(0.4)
    with pytest.raises(ClientError, match="PolicyNotFound"):
        root.put_resource_policy(ResourceArn=table, Policy=policy, ExpectedRevisionId="other")
