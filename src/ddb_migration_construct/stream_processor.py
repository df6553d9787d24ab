"""StreamProcessor: the function that captures changes."""

from __future__ import annotations

from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.stack_facts import seconds
from ddb_migration_construct.table_access import allow_stream, allow_table


class StreamProcessor(MigrationFunction):
    """Reads the source's stream and sends to the change queue; its mapping is made while the migration runs."""

    def __init__(self, scope: Construct, id: str, *, resources: Resources) -> None:
        """Create the function."""
        super().__init__(
            scope,
            id,
            folder="stream_processor",
            timeout=seconds(60),
            resources=resources,
            memory_size=1024,
            environment={
                names.MIGRATION_NAME: resources.name,
                names.CONTROL_TABLE: resources.control_table_name,
                names.CHANGE_QUEUE_URL: resources.change_queue_url,
            },
        )
        allow_stream(self.role, resources.source)
        allow_table(self.role, resources.control_table_arn, "GetItem", "UpdateItem")
        self.allow(["sqs:SendMessage"], [resources.change_queue_arn])
        resources.permit_key(self.role)
