"""A Glue job with a role of its own: what the migration's jobs have in common."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_glue as glue
from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migration_role import MigrationRole
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.settings import Settings

# Glue API, Timeout: less than seven days; without it a job of this version ends after eight hours.
TIMEOUT_MINUTES = 10_079


class GlueJob(Construct):
    """A Glue 5.1 job of one run at a time; its role may read its script, and write its logs and metrics."""

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
        super().__init__(scope, id)
        self.role = MigrationRole(self, "Role", service="glue")
        self._stack = resources.stack
        script_file, shared_package = self._stack.script(script), self._stack.shared_package()
        self.job = glue.CfnJob(
            self,
            "Job",
            role=self.role_arn,
            glue_version="5.1",
            command=glue.CfnJob.JobCommandProperty(name="glueetl", python_version="3", script_location=script_file.url),
            default_arguments={
                "--extra-py-files": shared_package.url,
                "--job-bookmark-option": "job-bookmark-disable",
                "--enable-continuous-cloudwatch-log": "true",
                "--migration_name": resources.name,
                "--control_table": resources.control_table_name,
                "--source_table": resources.source_arn,
                "--destination_table": resources.destination.table_arn,
                "--destination_role": resources.destination.role_argument,
                **arguments,
            },
            worker_type=settings.worker_type,
            number_of_workers=settings.max_workers,
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=1),
            max_retries=0,
            timeout=TIMEOUT_MINUTES,
            security_configuration=security_configuration.ref if security_configuration else None,
        )
        bucket = script_file.bucket_arn
        self.allow(["s3:GetObject*", "s3:GetBucket*", "s3:List*"], [bucket, f"{bucket}/*"])
        self._allow_logs()
        self._allow_metrics()
        resources.permit_key(self.role)

    @functools.cached_property
    def job_name(self) -> str:
        """Return the job's name."""
        return self.job.ref

    @property
    def job_arn(self) -> str:
        """Return the job's ARN."""
        return self._stack.arn("glue", f"job/{self.job_name}")

    @functools.cached_property
    def role_arn(self) -> str:
        """Return the ARN of the job's role."""
        return self.role.role_arn

    def allow(self, actions: list[str], resources: list[str]) -> None:
        """Add one statement to the job's role."""
        self.role.allow(actions, resources)

    def _allow_logs(self) -> None:
        logs = self._stack.arn("logs", "log-group:/aws-glue/*")
        self.allow(["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [logs])

    def _allow_metrics(self) -> None:
        """Let the job put metrics of the migration's namespace; the action takes no resource."""
        only = {"StringEquals": {"cloudwatch:namespace": names.METRIC_NAMESPACE}}
        self.role.allow(["cloudwatch:PutMetricData"], ["*"], only)


def security_configuration(scope: Construct, resources: Resources) -> glue.CfnSecurityConfiguration | None:
    """Encrypt the jobs' logs with the migration's key, where it has one; Glue offers no other key for logs."""
    if resources.encryption_key is None:
        return None
    key = resources.encryption_key.key_arn
    # Another key makes another configuration, created before the old one goes: their names must differ.
    owner = f"{scope.node.addr}-{resources.encryption_key.key_id}"
    encryption = glue.CfnSecurityConfiguration
    return glue.CfnSecurityConfiguration(
        scope,
        "JobSecurity",
        name=f"{Stack.of(scope).stack_name}-{owner}",
        encryption_configuration=encryption.EncryptionConfigurationProperty(
            cloud_watch_encryption=encryption.CloudWatchEncryptionProperty(
                cloud_watch_encryption_mode="SSE-KMS", kms_key_arn=key
            ),
            s3_encryptions=[encryption.S3EncryptionProperty(s3_encryption_mode="SSE-KMS", kms_key_arn=key)],
        ),
    )
