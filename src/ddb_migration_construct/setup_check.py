"""SetupCheck: the function that looks before anything is created."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.bulk_load_job import BulkLoadJob
from ddb_migration_construct.destination import Destination
from ddb_migration_construct.destination_lock import allow_lock
from ddb_migration_construct.glue_job import GlueJob
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.reverse_path import ReversePath
from ddb_migration_construct.settings import Settings
from ddb_migration_construct.stack_facts import seconds
from ddb_migration_construct.stream_processor import StreamProcessor
from ddb_migration_construct.table_access import allow_source, allow_table
from ddb_migration_construct.verify_job import VerifyJob
from ddb_migration_construct.write_cdc import WriteCdc


class SetupCheck(MigrationFunction):
    """Reads both tables, the epoch and the lock, and looks at what the other roles may do."""

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
        verify_job: VerifyJob,
    ) -> None:
        """Create the function; only `enable_source_features` lets it change the source."""
        self._stack = resources.stack
        super().__init__(
            scope,
            id,
            folder="setup_check",
            timeout=seconds(120),
            resources=resources,
            environment={
                names.MIGRATION_NAME: resources.name,
                names.SETTINGS: settings.text,
                names.CONTROL_TABLE: resources.control_table_name,
                names.CHANGE_QUEUE_URL: resources.change_queue_url,
                names.SOURCE_TABLE: resources.source_arn,
                **resources.destination.environment,
                names.STREAM_PROCESSOR: stream_processor.function_arn,
                names.WRITE_CDC: write_cdc.function_arn,
                names.MIGRATION_BUCKET: resources.bucket_name,
                names.DIRECT_MIGRATION_ROLE: direct_job.role_arn,
                names.LARGE_MIGRATION_ROLE: large_job.role_arn,
                names.VERIFY_ROLE: verify_job.role_arn,
            },
        )
        looks = ["DescribeTable", "DescribeContinuousBackups", "DescribeTimeToLive"]
        switches = ["UpdateTable", "UpdateContinuousBackups"] if settings.enable_source_features else []
        fences = ["GetResourcePolicy"] if settings.fence_source_writes else []
        allow_source(self.role, resources.source, *looks, *switches, *fences)
        self._allow_destination(resources.destination)
        # What is switched on is put on record.
        notes = ["UpdateItem"] if settings.enable_source_features else []
        allow_table(self.role, resources.control_table_arn, "GetItem", "Query", *notes)
        allow_lock(self, resources.stack, "GetParameter")
        # ListEventSourceMappings takes neither resource nor condition (Service Authorization Reference).
        self.allow(["lambda:ListEventSourceMappings"], ["*"])
        self._allow_probes(
            [stream_processor, write_cdc, *resources.reverse_functions], [direct_job, large_job, verify_job]
        )
        resources.permit_key(self.role)
        if resources.reverse is not None:
            self._allow_way_back(resources.reverse)

    def _allow_probes(self, functions: Sequence[MigrationFunction], jobs: Sequence[GlueJob]) -> None:
        self.allow(["lambda:InvokeFunction"], [function.function_arn for function in functions])
        # The simulator reads the policies of these roles and calls nothing.
        self.allow(["iam:SimulatePrincipalPolicy"], [job.role_arn for job in jobs])

    def _allow_way_back(self, reverse: ReversePath) -> None:
        reverse.introduce(self)
        # Whether a fence has room in it.
        allow_table(self.role, reverse.captured.arn, "GetResourcePolicy")

    def tell_callers(self, destination: Destination) -> None:
        """Tell who calls the destination, once all of them are known; only of one that another account may own."""
        if destination.role_arn is not None or destination.may_be_elsewhere(self._stack):
            self.function.add_environment(names.DESTINATION_CALLERS, destination.callers_text(self._stack))

    def _allow_destination(self, destination: Destination) -> None:
        # Of a table of another account the policy tells whether the jobs may write: no probe can.
        policy = (
            ["GetResourcePolicy"] if destination.may_be_elsewhere(self._stack) and destination.role_arn is None else []
        )
        looks = ("DescribeTable", "DescribeTimeToLive", "Scan", *policy)
        destination.allow_writing(names.SETUP_CHECK_STATE, self.role, *looks)
