"""What encrypts the migration's own queues, table, bucket and logs."""

from __future__ import annotations

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import IConstruct


def permit_logs(scope: IConstruct, key: kms.IKey | None) -> None:
    """Let CloudWatch Logs of the stack's Region use the key; an imported key needs that in its own policy."""
    if key is not None:
        key.grant_encrypt_decrypt(iam.ServicePrincipal(f"logs.{Stack.of(scope).region}.amazonaws.com"))


def permit_role(key: kms.IKey | None, role: iam.IRole) -> None:
    """Let a role use the key that encrypts what it reads and writes."""
    if key is not None:
        key.grant_encrypt_decrypt(role)
