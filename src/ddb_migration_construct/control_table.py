"""The control table: control record, watermarks, checkpoints, progress and parked keys of one migration."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from ddb_migration_construct._runtime import names

_STRING = dynamodb.AttributeType.STRING


class ControlTable(Construct):
    """An on-demand table with sparse indexes of parked keys and of changed ones."""

    def __init__(
        self, scope: Construct, id: str, *, encryption_key: kms.IKey | None, removal_policy: RemovalPolicy
    ) -> None:
        """Create the table."""
        super().__init__(scope, id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name=names.PK, type=_STRING),
            sort_key=dynamodb.Attribute(name=names.SK, type=_STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if encryption_key else None,
            encryption_key=encryption_key,
            # A control table lost in mid-run would be a migration lost.
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=removal_policy,
        )
        self.table.add_global_secondary_index(
            index_name=names.PARKED_INDEX,
            partition_key=dynamodb.Attribute(name=names.PARKED_EPOCH, type=_STRING),
            projection_type=dynamodb.ProjectionType.ALL,
        )
        self.table.add_global_secondary_index(
            index_name=names.CHANGED_INDEX,
            partition_key=dynamodb.Attribute(name=names.CHANGED_IN, type=_STRING),
            sort_key=dynamodb.Attribute(name=names.RAISED_AT, type=dynamodb.AttributeType.NUMBER),
            # As little as possible: every applied change writes to this index.
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=[names.ITEM_KEY],
        )
