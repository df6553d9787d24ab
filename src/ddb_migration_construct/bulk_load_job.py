"""The two Glue jobs of the bulk load: DirectMigrationJob and LargeMigrationJob."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import aws_glue as glue
from constructs import Construct

from ddb_migration_construct.glue_job import GlueJob
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.settings import Settings
from ddb_migration_construct.table_access import allow_source, allow_table


class BulkLoadJob(GlueJob):
    """A job that writes items to the destination."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        script: str,
        arguments: Mapping[str, str],
        resources: Resources,
        settings: Settings,
        security_configuration: glue.CfnSecurityConfiguration | None,
    ) -> None:
        """Create the job whose script is `script` of assets/glue."""
        rejected = resources.stack.json_text(settings.max_rejected_items)
        super().__init__(
            scope,
            id,
            script=script,
            arguments={"--max_rejected_items": rejected, **arguments},
            resources=resources,
            settings=settings,
            security_configuration=security_configuration,
        )
        allow_source(self.role, resources.source, "DescribeTable")
        resources.destination.allow_writing(id, self.role, "BatchWriteItem")
        allow_table(self.role, resources.control_table_arn, "GetItem", "UpdateItem", "Query")


class DirectMigrationJob(BulkLoadJob):
    """Copies by a parallel Scan of the source."""

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
            script="direct_migration_job.py",
            arguments={},
            resources=resources,
            settings=settings,
            security_configuration=security_configuration,
        )
        allow_source(self.role, resources.source, "Scan")


class LargeMigrationJob(BulkLoadJob):
    """Copies from an export in the migration bucket."""

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
            script="large_migration_job.py",
            arguments={"--bucket": resources.bucket_name},
            resources=resources,
            settings=settings,
            security_configuration=security_configuration,
        )
        self.allow(["s3:GetObject"], [resources.objects_arn("export/*")])
        self.allow(["s3:ListBucket"], [resources.bucket_arn])
