"""Reread: the function that an operator calls to have keys read again, to pause, to resume, and to set rates."""

from __future__ import annotations

from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.mapping_access import allow_mappings
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.reverse_path import ReversePath
from ddb_migration_construct.stack_facts import seconds
from ddb_migration_construct.table_access import allow_table
from ddb_migration_construct.write_cdc import WriteCdc


class Reread(MigrationFunction):
    """Sends rereads into the change queue, switches apply off and on; it reads neither items nor messages of it."""

    def __init__(self, scope: Construct, id: str, *, resources: Resources, write_cdc: WriteCdc) -> None:
        """Create the function."""
        super().__init__(
            scope,
            id,
            folder="reread",
            timeout=seconds(60),
            resources=resources,
            environment={
                names.CONTROL_TABLE: resources.control_table_name,
                names.CHANGE_QUEUE_URL: resources.change_queue_url,
                names.CHANGE_QUEUE_ARN: resources.change_queue_arn,
                names.WRITE_CDC: write_cdc.function_arn,
                names.DEAD_LETTER_QUEUE_URL: resources.dead_letter_queue_url,
                names.SOURCE_TABLE: resources.source_arn,
            },
        )
        # The shape of a key: one that the source cannot hold must not get into the queue.
        allow_table(self.role, resources.source_arn, "DescribeTable")
        allow_table(self.role, resources.control_table_arn, "GetItem", "UpdateItem")
        self.allow(["sqs:SendMessage"], [resources.change_queue_arn])
        self.allow(["sqs:ReceiveMessage", "sqs:DeleteMessage"], [resources.dead_letter_queue_arn])
        allow_mappings(self, [write_cdc], "Update")
        resources.permit_key(self.role)
        if resources.reverse is not None:
            self._allow_reverse(resources.reverse)

    def _allow_reverse(self, reverse: ReversePath) -> None:
        """After the cut-over it is the reverse path whose keys are read again."""
        reverse.introduce(self)
        allow_table(self.role, reverse.captured.arn, "DescribeTable")
        self.allow(["sqs:SendMessage"], [reverse.resources.change_queue_arn])
        self.allow(["sqs:ReceiveMessage", "sqs:DeleteMessage"], [reverse.resources.dead_letter_queue_arn])
