"""Every model of an Amplify app into a table of your own: one migration for each, by a loop over a dict."""

from __future__ import annotations

from aws_cdk import App, Fn, Stack
from aws_cdk import aws_dynamodb as dynamodb

from ddb_migration_construct import DynamoDbTableMigration

# The id of the AppSync API that the models belong to.
API_ID = "abcdefghijklmnopqrstuvwxyz"
# Each model with its indexes: name -> partition key, sort key (None: without).
MODELS: dict[str, dict[str, tuple[str, str | None]]] = {
    "Todo": {},
    "Comment": {"commentsByTodo": ("todoId", "createdAt")},
}
STRING = dynamodb.AttributeType.STRING


def old_table(scope: Stack, model: str) -> dynamodb.ITable:
    """Import a model's table by the export of its nested stack (Gen 1); the name is known when it is deployed."""
    name = Fn.import_value(f"{API_ID}:GetAtt:{model}Table:Name")
    return dynamodb.Table.from_table_name(scope, f"Old{model}", name)


def new_table(scope: Stack, model: str) -> dynamodb.Table:
    """Create the table that takes its place: Amplify's key, the model's indexes, no time to live yet."""
    table = dynamodb.Table(
        scope,
        model,
        partition_key=dynamodb.Attribute(name="id", type=STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
    )
    for name, (partition, sort) in MODELS[model].items():
        table.add_global_secondary_index(
            index_name=name,
            partition_key=dynamodb.Attribute(name=partition, type=STRING),
            sort_key=dynamodb.Attribute(name=sort, type=STRING) if sort else None,
        )
    return table


app = App()
tables, migrations = Stack(app, "Tables"), Stack(app, "Migrations")
for model in MODELS:
    DynamoDbTableMigration(
        migrations,
        # From the model's name, which is yours; a table's name may be a token, and cannot be an id.
        f"{model}Migration",
        source_table=old_table(migrations, model),
        destination_table=new_table(tables, model),
    )
app.synth()
