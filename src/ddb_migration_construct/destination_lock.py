"""The parameters that lock destinations, as roles may touch them."""

from __future__ import annotations

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.stack_facts import StackFacts


def allow_lock(function: MigrationFunction, stack: StackFacts, *actions: str) -> None:
    """Let a function do these `ssm:` actions on the locks; a destination's ARN is hashed while it runs."""
    locks = stack.arn("ssm", f"parameter/{names.DESTINATION_LOCKS.removeprefix('/')}/*")
    function.allow([f"ssm:{action}" for action in actions], [locks])
