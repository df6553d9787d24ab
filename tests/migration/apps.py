"""Apps with one or more migrations, synthesised for the embedded AWS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb

from ddb_migration_construct import DynamoDbTableMigration

STACK = "Trial"


def synthesise(
    folder: Path, ids: Sequence[str] = ("Orders",), keep_tables: bool = False, index: str | None = None, **props: Any
) -> Path:
    """Write the assembly of one stack: for each id a source, a destination and a migration of that id.

    The tables keep their logical ids whatever the migrations are called, and with `keep_tables` outlive the stack.
    With `index` the destinations alone have an index by that attribute, which takes texts only.
    """
    removal = cdk.RemovalPolicy.RETAIN if keep_tables else cdk.RemovalPolicy.DESTROY
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    stack = cdk.Stack(app, STACK, env=cdk.Environment(account="123456789012", region="us-east-1"))
    for number, id in enumerate(ids):
        source = _table(stack, f"Source{number}", removal, stream=dynamodb.StreamViewType.NEW_IMAGE)
        destination = _table(stack, f"Destination{number}", removal, **_stream_back(props))
        if index is not None:
            destination.add_global_secondary_index(index_name=f"by-{index}", partition_key=_text(index))
        DynamoDbTableMigration(stack, id, source_table=source, destination_table=destination, **props)
        cdk.CfnOutput(stack, f"SourceName{number}", value=source.table_name)
        cdk.CfnOutput(stack, f"DestinationName{number}", value=destination.table_name)
    app.synth()
    return folder


def _stream_back(props: dict[str, Any]) -> dict[str, Any]:
    return {"stream": dynamodb.StreamViewType.NEW_IMAGE} if "rollback_window" in props else {}


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _table(stack: cdk.Stack, id: str, removal: cdk.RemovalPolicy, **more: Any) -> dynamodb.Table:
    return dynamodb.Table(
        stack,
        id,
        partition_key=_text("pk"),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        removal_policy=removal,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        **more,
    )
