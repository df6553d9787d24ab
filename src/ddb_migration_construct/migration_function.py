"""What the six functions of a migration have in common."""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from ddb_migration_construct._assets import assets_root
from ddb_migration_construct.migration_role import MigrationRole


def runtime_files(*folders: str) -> list[str]:
    """Return the exclude patterns that leave only these folders of assets/lambda in an asset."""
    kept = [pattern for folder in folders for pattern in (f"!{folder}", f"!{folder}/**")]
    return ["*", *kept, "**/__pycache__"]


class MigrationFunction(Construct):
    """A Python function with a role of its own, which may write to the migration's log group and nothing else."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        folder: str,
        environment: Mapping[str, str],
        timeout: Duration,
        log_group: logs.ILogGroup,
        memory_size: int = 512,
    ) -> None:
        """Create the function whose handler is `<folder>/handler.py` of assets/lambda; memory in MiB."""
        super().__init__(scope, id)
        self.role = MigrationRole(self, "Role", service="lambda")
        log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"{folder}.handler.handler",
            code=lambda_.Code.from_asset(str(assets_root() / "lambda"), exclude=runtime_files(folder, "ddb_migration")),
            environment=dict(environment),
            timeout=timeout,
            memory_size=memory_size,
            role=self.role,
            log_group=log_group,
        )

    def allow(self, actions: list[str], resources: list[str], conditions: Mapping[str, object] | None = None) -> None:
        """Add one statement to the function's role."""
        self.role.add_to_principal_policy(
            iam.PolicyStatement(actions=actions, resources=resources, conditions=dict(conditions or {}))
        )
