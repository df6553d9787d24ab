"""What the functions of a migration have in common."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from ddb_migration_construct.migration_role import MigrationRole
from ddb_migration_construct.resources import Resources

# From this memory on Lambda gives a whole processor, and below it a share (Lambda guide, "Configure function memory").
WHOLE_PROCESSOR_MIB = 1769


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
        resources: Resources,
        memory_size: int = 512,
    ) -> None:
        """Create the function whose handler is `<folder>/handler.py` of assets/lambda; memory in MiB."""
        super().__init__(scope, id)
        self.role = MigrationRole(self, "Role", service="lambda")
        self.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [resources.log_group_arn])
        self.function = lambda_.Function(
            self,
            "Function",
            runtime=_runtime(),
            architecture=_architecture(),
            handler=f"{folder}.handler.handler",
            code=resources.stack.code(folder),
            environment=dict(environment),
            timeout=timeout,
            memory_size=memory_size,
            role=self.role,
            log_group=resources.log_group,
        )

    @functools.cached_property
    def function_arn(self) -> str:
        """Return the function's ARN."""
        return self.function.function_arn

    @functools.cached_property
    def function_name(self) -> str:
        """Return the function's name."""
        return self.function.function_name

    def allow(self, actions: list[str], resources: list[str], conditions: Mapping[str, object] | None = None) -> None:
        """Add one statement to the function's role."""
        self.role.allow(actions, resources, conditions)


@functools.cache
def _runtime() -> lambda_.Runtime:
    return lambda_.Runtime.PYTHON_3_14


@functools.cache
def _architecture() -> lambda_.Architecture:
    return lambda_.Architecture.ARM_64
