"""The resources that a migration's boxes are wired to."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from ddb_migration_construct.destination import Destination
from ddb_migration_construct.encryption import permit_role


@dataclass(frozen=True)
class Resources:
    """Tables, queue, bucket, log group and key of one migration; `name` is what the command line calls it."""

    name: str
    source_table: dynamodb.ITable
    destination: Destination
    control_table: dynamodb.Table
    change_queue: sqs.Queue
    dead_letter_queue: sqs.Queue
    bucket: s3.Bucket
    log_group: logs.LogGroup
    encryption_key: kms.IKey | None
    notification_topic: sns.ITopic | None = None

    @property
    def destination_table(self) -> dynamodb.ITable:
        """Return the destination."""
        return self.destination.table

    def permit_key(self, role: iam.IRole) -> None:
        """Let a role use the migration's key, if it has one."""
        permit_role(self.encryption_key, role)
