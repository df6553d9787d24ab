"""The parameters that lock destinations, as roles may touch them."""

from __future__ import annotations

from aws_cdk import Stack

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migration_function import MigrationFunction


def allow_lock(function: MigrationFunction, *actions: str) -> None:
    """Let a function do these `ssm:` actions on the locks; a destination's ARN is hashed while it runs."""
    locks = Stack.of(function).format_arn(
        service="ssm", resource="parameter", resource_name=f"{names.DESTINATION_LOCKS.removeprefix('/')}/*"
    )
    function.allow([f"ssm:{action}" for action in actions], [locks])
