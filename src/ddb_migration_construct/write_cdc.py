"""WriteCdc: the function that applies changes."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.table_access import allow_source, allow_table


class WriteCdc(MigrationFunction):
    """Reads the change queue and writes to the destination; its mapping is made behind the barrier."""

    def __init__(self, scope: Construct, id: str, *, resources: Resources, retention: Duration) -> None:
        """Create the function; `retention` is for how long the change queue keeps a message."""
        super().__init__(
            scope,
            id,
            folder="write_cdc",
            timeout=Duration.seconds(30),
            log_group=resources.log_group,
            environment={
                names.MIGRATION_NAME: resources.name,
                names.CONTROL_TABLE: resources.control_table.table_name,
                names.CHANGE_QUEUE_URL: resources.change_queue.queue_url,
                # As text, also where the number is a token.
                names.CHANGE_RETENTION_SECONDS: Stack.of(scope).to_json_string(retention.to_seconds()),
                names.SOURCE_TABLE: resources.source_table.table_arn,
                **resources.destination.environment,
            },
        )
        allow_source(self.role, resources.source_table, "GetItem")
        resources.destination.allow_writing("WriteCdc", self.role, "PutItem", "DeleteItem")
        allow_table(self.role, resources.control_table, "GetItem", "UpdateItem")
        consume = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility")
        self.allow([f"sqs:{action}" for action in consume], [resources.change_queue.queue_arn])
        resources.permit_key(self.role)
