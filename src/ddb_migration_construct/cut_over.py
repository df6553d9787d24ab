"""CutOver: the function behind the states from ReadyToCutOver on, and the canary that shows the fence."""

from __future__ import annotations

from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.announcements import allow_announcements, told_of_topic
from ddb_migration_construct.destination_lock import allow_lock
from ddb_migration_construct.encryption import permit_role
from ddb_migration_construct.execution_access import RolePolicy
from ddb_migration_construct.mapping_access import allow_mappings
from ddb_migration_construct.migration_function import WHOLE_PROCESSOR_MIB, MigrationFunction
from ddb_migration_construct.migration_role import MigrationRole
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.reverse_path import ReversePath
from ddb_migration_construct.settings import Settings
from ddb_migration_construct.stack_facts import seconds
from ddb_migration_construct.stream_processor import StreamProcessor
from ddb_migration_construct.table_access import (
    FENCE_ACTIONS,
    allow_changed_keys,
    allow_fence,
    allow_parked_keys,
    allow_reading,
    allow_source,
    allow_stream,
    allow_table,
)
from ddb_migration_construct.write_cdc import WriteCdc


class CutOver(MigrationFunction):
    """Checks what is left to check, fences the source if it may, and watches over what has cut over."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        resources: Resources,
        settings: Settings,
        stream_processor: StreamProcessor,
        write_cdc: WriteCdc,
    ) -> None:
        """Create the function; only `fence_source_writes` lets it change the source's policy."""
        super().__init__(
            scope,
            id,
            folder="cut_over",
            # CleanUp waits so long for what a stopped execution may still do.
            timeout=seconds(60),
            # A day of a busy stream is much to read.
            memory_size=WHOLE_PROCESSOR_MIB,
            resources=resources,
            environment={
                names.MIGRATION_NAME: resources.name,
                names.SETTINGS: settings.text,
                names.CONTROL_TABLE: resources.control_table_name,
                names.CHANGE_QUEUE_URL: resources.change_queue_url,
                names.CHANGE_QUEUE_ARN: resources.change_queue_arn,
                names.DEAD_LETTER_QUEUE_URL: resources.dead_letter_queue_url,
                names.SOURCE_TABLE: resources.source_arn,
                **resources.destination.environment,
                names.MIGRATION_BUCKET: resources.bucket_name,
                **told_of_topic(resources),
                names.STREAM_PROCESSOR: stream_processor.function_arn,
                names.WRITE_CDC: write_cdc.function_arn,
                **({} if settings.fence_source_writes else {names.CANARY_ROLE: ""}),
            },
        )
        self._allow_looks(resources)
        allow_lock(self, resources.stack, "GetParameter", "DeleteParameter")
        allow_mappings(self, [stream_processor, write_cdc, *resources.reverse_functions], "Update", "Delete")
        # A changed key that differs is read again.
        self.allow(["sqs:SendMessage"], [resources.change_queue_arn])
        allow_announcements(self, resources)
        resources.permit_key(self.role)
        if settings.fence_source_writes:
            self._allow_fence(resources)
        if resources.reverse is not None:
            self._allow_roll_back(resources.reverse)

    def _allow_looks(self, resources: Resources) -> None:
        """Everything that a cut-over looks at: both tables, the stream, queues, reports and the control table."""
        allow_source(self.role, resources.source, "DescribeTable", "DescribeTimeToLive", "BatchGetItem")
        resources.destination.allow_reading(names.CUT_OVER_STATE, self.role, "BatchGetItem")
        allow_stream(self.role, resources.source)
        allow_table(self.role, resources.control_table_arn, "GetItem", "UpdateItem", "Query", "BatchGetItem")
        allow_parked_keys(self.role, resources.control_table_arn)
        allow_changed_keys(self.role, resources.control_table_arn)
        queues = [resources.change_queue_arn, resources.dead_letter_queue_arn]
        self.allow(["sqs:GetQueueAttributes"], queues)
        self.allow(["s3:GetObject"], [resources.objects_arn(f"{names.VERIFY_PREFIX}*")])
        # Without it S3 answers AccessDenied where a report is not there yet.
        self.allow(["s3:ListBucket"], [resources.bucket_arn])

    def _allow_roll_back(self, reverse: ReversePath) -> None:
        """What a cut-over of the reverse path looks at; the destination's items it may read already."""
        reverse.introduce(self)
        # In one statement with the fence: a role holds only so much text.
        allow_reading(self.role, reverse.captured, "DescribeTable", "DescribeTimeToLive", *FENCE_ACTIONS)
        allow_stream(self.role, reverse.captured)
        queues = [reverse.resources.change_queue_arn, reverse.resources.dead_letter_queue_arn]
        self.allow(["sqs:GetQueueAttributes"], queues)
        self.allow(["sqs:SendMessage"], [reverse.resources.change_queue_arn])

    def _allow_fence(self, resources: Resources) -> None:
        canary = _canary(self, resources)
        self.function.add_environment(names.CANARY_ROLE, canary.role_arn)
        # A policy beside the role: the canary names the role, so the role must not name the canary.
        RolePolicy(self, "CanaryAccess", "sts:AssumeRole", canary.role_arn, [self.role])
        allow_fence(self.role, resources.source_arn)


def _canary(owner: CutOver, resources: Resources) -> MigrationRole:
    """Create the role that the fence is meant for: what it tries has a condition that no item meets."""
    canary = MigrationRole(owner, "Canary", caller=owner.role)
    for table in [resources.source, *([resources.reverse.captured] if resources.reverse else [])]:
        allow_table(canary, table.arn, "DeleteItem")
        # Without the table's key DynamoDB would deny the write whether there is a fence or not.
        permit_role(table.encryption_key, canary)
    return canary
