"""Access to the two tables and the control table, action by action."""

from __future__ import annotations

from ddb_migration_construct._runtime import names
from ddb_migration_construct.encryption import permit_reading, permit_role
from ddb_migration_construct.migration_role import MigrationRole
from ddb_migration_construct.table_facts import TableFacts

# What puts a fence into a table's resource policy, and takes it out.
FENCE_ACTIONS = ("GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy")


def allow_source(role: MigrationRole, table: TableFacts, *actions: str) -> None:
    """Let a role do these `dynamodb:` actions on the source, and decrypt what they read."""
    allow_reading(role, table, *actions)


def allow_reading(role: MigrationRole, table: TableFacts, *actions: str) -> None:
    """Let a role do these `dynamodb:` actions on a table that it does not write to, and decrypt what they read."""
    _allow(role, [table.arn], actions)
    permit_reading(table.encryption_key, role)


def allow_destination(role: MigrationRole, table: TableFacts, *actions: str) -> None:
    """Let a role do these `dynamodb:` actions on the destination, and encrypt what they write."""
    _allow(role, [table.arn], actions)
    permit_role(table.encryption_key, role)


def allow_stream(role: MigrationRole, table: TableFacts) -> None:
    """Let a role read the source's streams, whatever their label: the stream may be made after the deployment."""
    stream = [f"{table.arn}/stream/*"]
    _allow(role, stream, ("DescribeStream", "GetRecords", "GetShardIterator"))
    # ListStreams takes no resource (Service Authorization Reference); Lambda's guide asks for it.
    _allow(role, ["*"], ("ListStreams",))
    permit_reading(table.encryption_key, role)


def allow_table(role: MigrationRole, table_arn: str, *actions: str) -> None:
    """Let a role do these `dynamodb:` actions on a table, and nothing with its key."""
    _allow(role, [table_arn], actions)


def allow_parked_keys(role: MigrationRole, table_arn: str) -> None:
    """Let a role query the control table's index of parked keys."""
    _allow(role, [f"{table_arn}/index/{names.PARKED_INDEX}"], ("Query",))


def allow_changed_keys(role: MigrationRole, table_arn: str) -> None:
    """Let a role query the control table's index of changed keys."""
    _allow(role, [f"{table_arn}/index/{names.CHANGED_INDEX}"], ("Query",))


def allow_fence(role: MigrationRole, table_arn: str) -> None:
    """Let a role put the fence into a table's resource policy, and take it out."""
    _allow(role, [table_arn], FENCE_ACTIONS)


def _allow(role: MigrationRole, resources: list[str], actions: tuple[str, ...]) -> None:
    role.allow([f"dynamodb:{action}" for action in actions], resources)
