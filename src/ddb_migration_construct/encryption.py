"""Which keys roles and services may use: the migration's own, and those of the two tables."""

from __future__ import annotations

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import IConstruct

# CloudWatch Logs guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
_LOGS_ACTIONS = ("kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*")


def permit_logs(scope: IConstruct, key: kms.IKey | None) -> None:
    """Let CloudWatch Logs of the stack's Region use the key; an imported key needs that in its own policy."""
    if key is not None:
        # Unlike most services it bears the suffix of the partition, which in China is amazonaws.com.cn.
        logs = f"logs.{Stack.of(scope).region}.{Aws.URL_SUFFIX}"
        key.grant(iam.ServicePrincipal(logs), *_LOGS_ACTIONS)


def permit_role(key: kms.IKey | None, role: iam.IRole) -> None:
    """Let a role use the key, if there is one, for what it reads and writes."""
    if key is not None:
        key.grant_encrypt_decrypt(role)
        _describe(key, role)


def permit_reading(key: kms.IKey | None, role: iam.IRole) -> None:
    """Let a role use the key, if there is one, for what it reads."""
    if key is not None:
        key.grant_decrypt(role)
        _describe(key, role)


def _describe(key: kms.IKey, role: iam.IRole) -> None:
    # As the grants of aws_dynamodb do: DynamoDB looks at the key on behalf of whoever uses a table.
    key.grant(role, "kms:DescribeKey")
