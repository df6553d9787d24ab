"""EnableTrigger: the function behind the states from StartCapture to Repair."""

from __future__ import annotations

from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.announcements import allow_announcements, told_of_topic
from ddb_migration_construct.bulk_load_job import BulkLoadJob
from ddb_migration_construct.destination_lock import allow_lock
from ddb_migration_construct.mapping_access import allow_mappings
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.settings import Settings
from ddb_migration_construct.stack_facts import seconds
from ddb_migration_construct.stream_processor import StreamProcessor
from ddb_migration_construct.table_access import allow_parked_keys, allow_source, allow_table
from ddb_migration_construct.write_cdc import WriteCdc


class EnableTrigger(MigrationFunction):
    """Steers capture, bulk load, barrier and apply."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        resources: Resources,
        settings: Settings,
        stream_processor: StreamProcessor,
        write_cdc: WriteCdc,
        direct_job: BulkLoadJob,
        large_job: BulkLoadJob,
    ) -> None:
        """Create the function."""
        super().__init__(
            scope,
            id,
            folder="enable_trigger",
            # CleanUp waits so long for what a stopped execution may still create.
            timeout=seconds(60),
            resources=resources,
            environment={
                names.MIGRATION_NAME: resources.name,
                names.SETTINGS: settings.text,
                names.CONTROL_TABLE: resources.control_table_name,
                names.CHANGE_QUEUE_URL: resources.change_queue_url,
                names.CHANGE_QUEUE_ARN: resources.change_queue_arn,
                names.SOURCE_TABLE: resources.source_arn,
                **resources.destination.environment,
                names.MIGRATION_BUCKET: resources.bucket_name,
                **_told_of_key(resources),
                **told_of_topic(resources),
                names.STREAM_PROCESSOR: stream_processor.function_arn,
                names.WRITE_CDC: write_cdc.function_arn,
                names.DIRECT_MIGRATION_JOB: direct_job.job_name,
                names.LARGE_MIGRATION_JOB: large_job.job_name,
            },
        )
        allow_table(self.role, resources.control_table_arn, "GetItem", "UpdateItem", "Query", "BatchGetItem")
        allow_parked_keys(self.role, resources.control_table_arn)
        allow_lock(self, resources.stack, "GetParameter", "PutParameter", "DeleteParameter")
        owners = [stream_processor, write_cdc, *resources.reverse_functions]
        allow_mappings(self, owners, "Create", "Update", "Delete")
        self.allow(["glue:GetJobRuns"], [direct_job.job_arn, large_job.job_arn])
        self.allow(["sqs:GetQueueAttributes"], [resources.change_queue_arn])
        self._allow_export(resources)
        self._allow_repair(resources)
        allow_announcements(self, resources)
        resources.permit_key(self.role)
        if resources.reverse is not None:
            resources.reverse.introduce(self)
            # Which stream it has.
            allow_table(self.role, resources.reverse.captured.arn, "DescribeTable")

    def _allow_repair(self, resources: Resources) -> None:
        """Repair reads a pass's report, has keys read again, and looks at them on both sides."""
        allow_source(self.role, resources.source, "BatchGetItem")
        resources.destination.allow_reading(names.ENABLE_TRIGGER_STATE, self.role, "BatchGetItem")
        self.allow(["sqs:SendMessage"], [resources.change_queue_arn])
        objects = resources.objects_arn(f"{names.VERIFY_PREFIX}*")
        self.allow(["s3:GetObject", "s3:PutObject"], [objects])
        # Without it S3 answers AccessDenied where a report is not there yet.
        self.allow(["s3:ListBucket"], [resources.bucket_arn])

    def _allow_export(self, resources: Resources) -> None:
        """Export needs these of its caller (DynamoDB guide, "Requesting a table export")."""
        looks = ("DescribeTable", "DescribeContinuousBackups", "ExportTableToPointInTime")
        allow_source(self.role, resources.source, *looks)
        self.allow(["dynamodb:DescribeExport"], [f"{resources.source_arn}/export/*"])
        objects = resources.objects_arn("export/*")
        self.allow(["s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"], [objects])


def _told_of_key(resources: Resources) -> dict[str, str]:
    key = resources.encryption_key
    return {names.MIGRATION_KEY: key.key_arn} if key else {}
