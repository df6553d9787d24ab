"""A migration under strict rules: a key of its own, alarms to people, and three kinds of people with their rights."""

from __future__ import annotations

from aws_cdk import App, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from ddb_migration_construct import DynamoDbTableMigration

app = App()
stack = Stack(app, "Migrations")


def migration_key(scope: Construct) -> kms.Key:
    """Create the key for what holds items or keys of items; alarms must be able to use it for the topic."""
    # It outlives the stack, as what stays is encrypted by it.
    key = kms.Key(scope, "Key", enable_key_rotation=True, removal_policy=RemovalPolicy.RETAIN)
    key.grant_encrypt_decrypt(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
    return key


def people(scope: Construct, id: str) -> iam.Role:
    """Create a role that people of this account may assume, with a second factor."""
    second_factor = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    return iam.Role(
        scope,
        id,
        assumed_by=iam.AccountRootPrincipal().with_conditions(second_factor),
        max_session_duration=Duration.hours(1),
    )


key = migration_key(stack)
topic = sns.Topic(stack, "MigrationAlarms", master_key=key, enforce_ssl=True)
migration = DynamoDbTableMigration(
    stack,
    "OrdersMigration",
    source_table=dynamodb.Table.from_table_name(stack, "Source", "orders"),
    destination_table=dynamodb.Table.from_table_name(stack, "Destination", "orders-v2"),
    encryption_key=key,
    notification_topic=topic,
    # What it knows stays when the stack goes: who accepted what, and why.
    removal_policy=RemovalPolicy.RETAIN,
)
# Auditors see everything but items.
migration.grant_read(people(stack, "Auditors"))
# Developers may start it too; the command looks at the migration first, so it takes both rights.
developers = people(stack, "Developers")
migration.grant_start(developers)
migration.grant_read(developers)
# Operators steer it to its end: they repair and accept, cut over, and give up.
migration.grant_operate(people(stack, "Operators"))
app.synth()
