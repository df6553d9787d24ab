"""A table moves into another account: the migration beside the source, and the destination that lets it in."""

from __future__ import annotations

from aws_cdk import App, Environment, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb

from ddb_migration_construct import DynamoDbTableMigration

OLD = Environment(account="111111111111", region="eu-west-1")
NEW = Environment(account="222222222222", region="eu-west-1")
# A name of its own, so that the other account knows the table before it exists.
NEW_ORDERS = "orders"

app = App()

migrations = Stack(app, "Migrations", env=OLD)
migration = DynamoDbTableMigration(
    migrations,
    "Orders",
    source_table=dynamodb.Table.from_table_name(migrations, "OldOrders", "orders"),
    destination_table=dynamodb.Table.from_table_arn(
        migrations, "NewOrders", f"arn:aws:dynamodb:{NEW.region}:{NEW.account}:table/{NEW_ORDERS}"
    ),
)

tables = Stack(app, "Tables", env=NEW)
orders = dynamodb.Table(
    tables,
    "Orders",
    table_name=NEW_ORDERS,
    partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
    billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
    # DynamoDB's own key, the default: under the managed key aws/dynamodb no other account could use the table.
    encryption=dynamodb.TableEncryption.DEFAULT,
    point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
    removal_policy=RemovalPolicy.RETAIN,
)
for statement in migration.destination_policy_statements:
    orders.add_to_resource_policy(statement)
# DynamoDB refuses a policy that names a role which does not exist yet.
tables.add_dependency(migrations)

app.synth()
