"""Thirty tables from one list, at most ten migrations in a stack, each stack to be started by itself."""

from __future__ import annotations

from aws_cdk import App, Size, Stack
from aws_cdk import aws_dynamodb as dynamodb
from tables import FLEET, FleetTable

from ddb_migration_construct import DynamoDbTableMigration

# CloudFormation takes 500 resources and 1,000,000 bytes a stack (its quotas); ten migrations stay below both where the
# template is not indented, with rollback_window eight.
IN_A_STACK = 10


def migrate(stack: Stack, table: FleetTable) -> None:
    """Migrate one table; both exist, and are named by the list."""
    DynamoDbTableMigration(
        stack,
        table.name,
        source_table=dynamodb.Table.from_table_name(stack, f"Old{table.name}", table.old_name),
        destination_table=dynamodb.Table.from_table_name(stack, f"New{table.name}", table.new_name),
        size_threshold=Size.gibibytes(0) if table.exported else None,
        # One Glue worker the fewer for each: many migrations share the account's quota.
        max_workers=3,
    )


app = App()
for first in range(0, len(FLEET), IN_A_STACK):
    stack = Stack(app, f"Migrations{first // IN_A_STACK + 1}", suppress_template_indentation=True)
    for table in FLEET[first : first + IN_A_STACK]:
        migrate(stack, table)
app.synth()
