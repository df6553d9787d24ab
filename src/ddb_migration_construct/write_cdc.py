"""WriteCdc: the function that applies changes."""

from __future__ import annotations

from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migration_function import WHOLE_PROCESSOR_MIB, MigrationFunction
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.stack_facts import seconds
from ddb_migration_construct.table_access import allow_source, allow_table

# Ten documents of 400 KB take 1,060 MB and eight seconds of a whole processor; with less of either they would be
# killed or timed out whenever they came together.
MEMORY_MIB = WHOLE_PROCESSOR_MIB


class WriteCdc(MigrationFunction):
    """Reads the change queue and writes to the destination; its mapping is made behind the barrier."""

    def __init__(self, scope: Construct, id: str, *, resources: Resources, retention_seconds: float) -> None:
        """Create the function; `retention_seconds` is for how long the change queue keeps a message."""
        super().__init__(
            scope,
            id,
            folder="write_cdc",
            timeout=seconds(30),
            resources=resources,
            memory_size=MEMORY_MIB,
            environment={
                names.MIGRATION_NAME: resources.name,
                names.CONTROL_TABLE: resources.control_table_name,
                names.CHANGE_QUEUE_URL: resources.change_queue_url,
                names.CHANGE_RETENTION_SECONDS: resources.stack.json_text(retention_seconds),
                names.SOURCE_TABLE: resources.source_arn,
                **resources.destination.environment,
            },
        )
        allow_source(self.role, resources.source, "GetItem")
        resources.destination.allow_writing("WriteCdc", self.role, "PutItem", "DeleteItem")
        allow_table(self.role, resources.control_table_arn, "GetItem", "UpdateItem")
        consume = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility")
        self.allow([f"sqs:{action}" for action in consume], [resources.change_queue_arn])
        resources.permit_key(self.role)
