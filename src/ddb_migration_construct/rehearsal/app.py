"""The rehearsal's CDK app: two tables and one migration between them, in one stack.

Run as `python -m ddb_migration_construct.rehearsal.app`; the context key `key` sets the shape of the primary
key (default "sn"), with `repair_extra=yes` Repair deletes what only the destination has, with `fence=yes` cutting
over may fence the source, and with `rollback=yes` it can be rolled back. Your own migrations live best in a stack of
their own, beside the tables' stack.
"""

from __future__ import annotations

from typing import Any

from aws_cdk import App, CfnOutput, Duration, Environment, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from ddb_migration_construct import DynamoDbTableMigration
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.synthesis import MIGRATION_ID, STACK_NAME

ACCOUNT = "123456789012"
REGION = "us-east-1"
# Longer than any rehearsal.
ROLLBACK_WINDOW = Duration.hours(24)

_TYPES = {
    "S": dynamodb.AttributeType.STRING,
    "N": dynamodb.AttributeType.NUMBER,
    "B": dynamodb.AttributeType.BINARY,
}


class RehearsalStack(Stack):
    """A source with a stream and point-in-time recovery, an empty destination, and the migration."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key_shape: KeyShape,
        repair_extra: bool,
        fence_source_writes: bool,
        can_roll_back: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        source = self._table(
            "Source",
            key_shape,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
        )
        destination = self._table(
            "Destination", key_shape, stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES if can_roll_back else None
        )
        migration = DynamoDbTableMigration(
            self,
            MIGRATION_ID,
            source_table=source,
            destination_table=destination,
            repair_extra=repair_extra,
            fence_source_writes=fence_source_writes,
            rollback_window=ROLLBACK_WINDOW if can_roll_back else None,
        )
        CfnOutput(self, "SourceTable", value=source.table_name)
        CfnOutput(self, "DestinationTable", value=destination.table_name)
        CfnOutput(self, "StateMachineArn", value=migration.state_machine.state_machine_arn)

    def _table(self, construct_id: str, key_shape: KeyShape, **kwargs: Any) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            construct_id,
            partition_key=_attribute(key_shape.partition_name, key_shape.partition),
            sort_key=_attribute(key_shape.sort_name, key_shape.sort) if key_shape.sort else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
            **kwargs,
        )


def _attribute(name: str, kind: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=_TYPES[kind])


def main() -> None:
    """Synthesise the app."""
    app = App(analytics_reporting=False)
    key_shape = KeyShape.parse(app.node.try_get_context("key") or "sn")
    RehearsalStack(
        app,
        STACK_NAME,
        key_shape=key_shape,
        repair_extra=app.node.try_get_context("repair_extra") == "yes",
        fence_source_writes=app.node.try_get_context("fence") == "yes",
        can_roll_back=app.node.try_get_context("rollback") == "yes",
        env=Environment(account=ACCOUNT, region=REGION),
    )
    app.synth()


if __name__ == "__main__":
    main()
