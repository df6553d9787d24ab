"""VerifyJob: the Glue job that compares the two tables, item by item."""

from __future__ import annotations

from aws_cdk import aws_glue as glue
from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.glue_job import GlueJob
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.settings import Settings
from ddb_migration_construct.table_access import allow_source, allow_table

# For how long a key must differ, at the least, while neither side changes: changes are mostly applied within seconds.
SETTLE_SECONDS = 60


class VerifyJob(GlueJob):
    """Reads both tables, and writes to neither."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        resources: Resources,
        settings: Settings,
        security_configuration: glue.CfnSecurityConfiguration | None,
    ) -> None:
        """Create the job."""
        super().__init__(
            scope,
            id,
            script="verify_job.py",
            arguments={
                "--bucket": resources.bucket_name,
                "--change_queue": resources.change_queue_url,
                "--sample": "100%",
                "--settle_seconds": str(SETTLE_SECONDS),
            },
            resources=resources,
            settings=settings,
            security_configuration=security_configuration,
        )
        looks = ("DescribeTable", "DescribeTimeToLive", "Scan", "BatchGetItem")
        allow_source(self.role, resources.source, *looks)
        resources.destination.allow_reading(id, self.role, *looks)
        allow_table(self.role, resources.control_table_arn, "GetItem", "BatchGetItem", "UpdateItem", "Query")
        self.allow(["sqs:GetQueueAttributes"], [resources.change_queue_arn])
        objects = resources.objects_arn(f"{names.VERIFY_PREFIX}*")
        self.allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [objects])
        # Without it S3 answers AccessDenied where an object is not there yet.
        self.allow(["s3:ListBucket"], [resources.bucket_arn])
