"""CleanUp: the custom resource that guards a running migration and ends it with its stack."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CustomResource
from constructs import Construct, IDependable

from ddb_migration_construct._runtime import names
from ddb_migration_construct.announcements import allow_announcements, told_of_topic
from ddb_migration_construct.destination_lock import allow_lock
from ddb_migration_construct.glue_job import GlueJob
from ddb_migration_construct.mapping_access import allow_mappings
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.stack_facts import minutes
from ddb_migration_construct.stream_processor import StreamProcessor
from ddb_migration_construct.table_access import allow_fence, allow_table
from ddb_migration_construct.write_cdc import WriteCdc


class CleanUp(MigrationFunction):
    """Ends what runs, removes what was made at run time, and empties the bucket."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        resources: Resources,
        stream_processor: StreamProcessor,
        write_cdc: WriteCdc,
        jobs: Sequence[GlueJob],
        fence_source_writes: bool,
    ) -> None:
        """Create the function; `guard` adds the custom resource."""
        direct_job, large_job, verify_job = jobs
        self._stream_processor = stream_processor
        self._fences = fence_source_writes
        super().__init__(
            scope,
            id,
            folder="clean_up",
            timeout=minutes(15),
            resources=resources,
            environment={
                names.MIGRATION_NAME: resources.name,
                names.CONTROL_TABLE: resources.control_table_name,
                names.CHANGE_QUEUE_URL: resources.change_queue_url,
                names.SOURCE_TABLE: resources.source_arn,
                names.DESTINATION_TABLE: resources.destination.table_arn,
                names.MIGRATION_BUCKET: resources.bucket_name,
                names.STREAM_PROCESSOR: stream_processor.function_arn,
                names.WRITE_CDC: write_cdc.function_arn,
                names.DIRECT_MIGRATION_JOB: direct_job.job_name,
                names.LARGE_MIGRATION_JOB: large_job.job_name,
                names.VERIFY_JOB: verify_job.job_name,
                **told_of_topic(resources),
            },
        )
        allow_table(self.role, resources.control_table_arn, "GetItem", "UpdateItem")
        allow_lock(self, resources.stack, "GetParameter", "DeleteParameter")
        allow_mappings(self, [stream_processor, write_cdc, *resources.reverse_functions], "Delete")
        self.allow(["glue:GetJobRuns", "glue:BatchStopJobRun"], [job.job_arn for job in jobs])
        self.allow(["dynamodb:DescribeExport"], [f"{resources.source_arn}/export/*"])
        self.allow(["s3:ListBucketVersions"], [resources.bucket_arn])
        # S3 API, DeleteObjects: the first in any case, the second for a version.
        self.allow(["s3:DeleteObject", "s3:DeleteObjectVersion"], [resources.objects_arn("*")])
        resources.permit_key(self.role)
        if fence_source_writes:
            allow_fence(self.role, resources.source_arn)
            # A fence that stays is told of.
            allow_announcements(self, resources)
        if resources.reverse is not None:
            resources.reverse.introduce(self)
            allow_fence(self.role, resources.reverse.captured.arn)

    def guard(
        self, resources: Resources, *, force_delete: bool, keep_bucket: bool, after: Sequence[IDependable]
    ) -> None:
        """Add the custom resource: created after all that it names, removed before any of it."""
        properties = {
            "ControlTable": resources.control_table_name,
            "ChangeQueue": resources.change_queue_url,
            "StreamProcessor": self._stream_processor.function_arn,
            "DestinationTable": resources.destination.table_arn,
            "ForceDelete": "true" if force_delete else "false",
            "KeepBucket": "true" if keep_bucket else "false",
        }
        if self._fences:
            properties["FenceSourceWrites"] = "true"
        if resources.reverse is not None:
            properties["ReverseStreamProcessor"] = resources.reverse_functions[0].function_arn
        resource = CustomResource(
            self,
            "Resource",
            service_token=self.function_arn,
            resource_type="Custom::DynamoDbTableMigration",
            properties=properties,
        )
        resource.node.add_dependency(*after)
