"""A stack of set-ups that are wrong, each in its own way; the id of each migration says how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from ddb_migration_construct import DynamoDbTableMigration

STACK = "Wrong"
FAR = "arn:aws:dynamodb:eu-west-1:123456789012:table/far"
NOWHERE = "arn:aws:dynamodb:us-east-1:123456789012:table/nowhere"
STRING, NUMBER = dynamodb.AttributeType.STRING, dynamodb.AttributeType.NUMBER
NEW_IMAGE, OLD_IMAGE = dynamodb.StreamViewType.NEW_IMAGE, dynamodb.StreamViewType.OLD_IMAGE
CITY = dynamodb.Attribute(name="city", type=STRING)
READER = "def handler(event, context):\n    return {}\n"


class WrongSetUps(cdk.Stack):
    """One migration for each wrong set-up, and one with four of them."""

    def __init__(self, scope: cdk.App) -> None:
        # Without a Region of its own, so that only the running migration can tell that a table is in another.
        super().__init__(scope, STACK)
        self._add("NoStream", source=self._table("Silent"))
        self._add("WrongView", source=self._table("OldImages", stream=OLD_IMAGE))
        self._add("NoRecovery", size_threshold=cdk.Size.bytes(0))
        self._add("NoDestination", destination=dynamodb.Table.from_table_arn(self, "Nowhere", NOWHERE))
        self._add("NotEmpty", destination=self._filled("Full"))
        self._add("KeyName", destination=self._table("Renamed", key="PK"))
        self._add("KeyType", destination=self._table("Numbered", kind=NUMBER))
        self._add("NoIndex", source=self._indexed("Indexed", stream=NEW_IMAGE))
        self._add("OtherRegion", source=dynamodb.Table.from_table_arn(self, "Far", FAR))
        self._add("ThirdReader", source=self._read_by_two("Crowded"))
        four = {"source": self._indexed("FourSource"), "destination": self._filled("FourDestination")}
        self._add("Four", size_threshold=cdk.Size.bytes(0), **four)

    def _add(self, id: str, **given: Any) -> None:
        """Add a migration between right tables, but for those given."""
        source = given.pop("source", None) or self._table(f"{id}Source", stream=NEW_IMAGE)
        destination = given.pop("destination", None) or self._table(f"{id}Destination")
        DynamoDbTableMigration(self, id, source_table=source, destination_table=destination, **given)

    def _table(self, id: str, key: str = "pk", kind: dynamodb.AttributeType = STRING, **more: Any) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            id,
            partition_key=dynamodb.Attribute(name=key, type=kind),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=cdk.RemovalPolicy.DESTROY,
            **more,
        )

    def _filled(self, id: str) -> dynamodb.Table:
        """Return a table that the test fills; an output named `Filled...` tells its name."""
        table = self._table(id)
        cdk.CfnOutput(self, f"Filled{id}", value=table.table_name)
        return table

    def _indexed(self, id: str, **more: Any) -> dynamodb.Table:
        table = self._table(id, **more)
        table.add_global_secondary_index(index_name="by-city", partition_key=CITY)
        return table

    def _read_by_two(self, id: str) -> dynamodb.Table:
        table = self._table(id, stream=NEW_IMAGE)
        role = iam.Role(self, "ReaderRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        table.grant_stream_read(role)
        for number in range(2):
            reader = lambda_.Function(
                self,
                f"Reader{number}",
                runtime=lambda_.Runtime.PYTHON_3_12,
                handler="index.handler",
                code=lambda_.Code.from_inline(READER),
                role=role,
            )
            mapping = lambda_.EventSourceMapping(
                self,
                f"Reading{number}",
                target=reader,
                event_source_arn=table.table_stream_arn,
                starting_position=lambda_.StartingPosition.LATEST,
            )
            mapping.node.add_dependency(role)
        return table


def synthesise(folder: Path) -> Path:
    """Write the assembly of the stack."""
    app = cdk.App(outdir=str(folder), analytics_reporting=False)
    WrongSetUps(app)
    app.synth()
    return folder
