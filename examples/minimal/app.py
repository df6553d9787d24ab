"""The smallest app: one migration, in a stack of its own, between two tables that exist."""

from aws_cdk import App, Stack
from aws_cdk import aws_dynamodb as dynamodb

from ddb_migration_construct import DynamoDbTableMigration

app = App()
stack = Stack(app, "Migrations")
DynamoDbTableMigration(
    stack,
    "OrdersMigration",
    source_table=dynamodb.Table.from_table_name(stack, "Source", "orders"),
    destination_table=dynamodb.Table.from_table_name(stack, "Destination", "orders-v2"),
)
app.synth()
