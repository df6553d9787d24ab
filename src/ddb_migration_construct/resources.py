"""The resources that a migration's boxes are wired to."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from ddb_migration_construct.destination import Destination
from ddb_migration_construct.encryption import permit_role
from ddb_migration_construct.stack_facts import StackFacts
from ddb_migration_construct.table_facts import TableFacts

if TYPE_CHECKING:
    from ddb_migration_construct.migration_function import MigrationFunction
    from ddb_migration_construct.reverse_path import ReversePath


@dataclass(frozen=True)
class Resources:
    """Tables, queue, bucket, log group and key of one migration; `name` is what the command line calls it.

    `reverse` is the path by which it can be rolled back, None where it cannot be.

    Names and ARNs are asked for once: each question is a call into the CDK's runtime.
    """

    name: str
    stack: StackFacts
    source: TableFacts
    destination: Destination
    control_table: dynamodb.Table
    change_queue: sqs.Queue
    change_queue_url: str
    dead_letter_queue: sqs.Queue
    dead_letter_queue_url: str
    bucket: s3.Bucket
    log_group: logs.LogGroup
    encryption_key: kms.IKey | None
    notification_topic: sns.ITopic | None = None
    reverse: ReversePath | None = None

    @property
    def source_table(self) -> dynamodb.ITable:
        """Return the source."""
        return self.source.table

    @property
    def source_arn(self) -> str:
        """Return the source's ARN."""
        return self.source.arn

    @property
    def destination_table(self) -> dynamodb.ITable:
        """Return the destination."""
        return self.destination.table

    @functools.cached_property
    def control_table_name(self) -> str:
        """Return the control table's name."""
        return self.control_table.table_name

    @functools.cached_property
    def control_table_arn(self) -> str:
        """Return the control table's ARN."""
        return self.control_table.table_arn

    @functools.cached_property
    def change_queue_arn(self) -> str:
        """Return the change queue's ARN."""
        return self.change_queue.queue_arn

    @functools.cached_property
    def dead_letter_queue_arn(self) -> str:
        """Return the dead-letter queue's ARN."""
        return self.dead_letter_queue.queue_arn

    @functools.cached_property
    def change_queue_name(self) -> str:
        """Return the change queue's name."""
        return self.change_queue.queue_name

    @functools.cached_property
    def dead_letter_queue_name(self) -> str:
        """Return the dead-letter queue's name."""
        return self.dead_letter_queue.queue_name

    @functools.cached_property
    def bucket_name(self) -> str:
        """Return the migration bucket's name."""
        return self.bucket.bucket_name

    @functools.cached_property
    def bucket_arn(self) -> str:
        """Return the migration bucket's ARN."""
        return self.bucket.bucket_arn

    @functools.cached_property
    def log_group_arn(self) -> str:
        """Return the log group's ARN."""
        return self.log_group.log_group_arn

    def objects_arn(self, pattern: str) -> str:
        """Return the ARN of objects of the migration bucket."""
        return f"{self.bucket_arn}/{pattern}"

    @property
    def reverse_functions(self) -> Sequence[MigrationFunction]:
        """Return the functions of the reverse path that have mappings."""
        return self.reverse.functions if self.reverse is not None else ()

    def permit_key(self, role: iam.IRole) -> None:
        """Let a role use the migration's key, if it has one."""
        permit_role(self.encryption_key, role)
