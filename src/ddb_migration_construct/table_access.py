"""Access to the two tables, action by action."""

from __future__ import annotations

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from ddb_migration_construct._runtime import names
from ddb_migration_construct.encryption import permit_reading, permit_role


def allow_source(role: iam.Role, table: dynamodb.ITable, *actions: str) -> None:
    """Let a role do these `dynamodb:` actions on the source, and decrypt what they read."""
    allow_reading(role, table, *actions)


def allow_reading(role: iam.Role, table: dynamodb.ITable, *actions: str) -> None:
    """Let a role do these `dynamodb:` actions on a table that it does not write to, and decrypt what they read."""
    _allow(role, [table.table_arn], actions)
    permit_reading(table.encryption_key, role)


def allow_destination(role: iam.Role, table: dynamodb.ITable, *actions: str) -> None:
    """Let a role do these `dynamodb:` actions on the destination, and encrypt what they write."""
    _allow(role, [table.table_arn], actions)
    permit_role(table.encryption_key, role)


def allow_stream(role: iam.Role, table: dynamodb.ITable) -> None:
    """Let a role read the source's streams, whatever their label: the stream may be made after the deployment."""
    stream = [f"{table.table_arn}/stream/*"]
    _allow(role, stream, ("DescribeStream", "GetRecords", "GetShardIterator"))
    # ListStreams takes no resource (Service Authorization Reference); Lambda's guide asks for it.
    _allow(role, ["*"], ("ListStreams",))
    permit_reading(table.encryption_key, role)


def allow_table(role: iam.Role, table: dynamodb.ITable, *actions: str) -> None:
    """Let a role do these `dynamodb:` actions on a table, and nothing with its key."""
    _allow(role, [table.table_arn], actions)


def allow_parked_keys(role: iam.Role, table: dynamodb.ITable) -> None:
    """Let a role query the control table's index of parked keys."""
    _allow(role, [f"{table.table_arn}/index/{names.PARKED_INDEX}"], ("Query",))


def allow_changed_keys(role: iam.Role, table: dynamodb.ITable) -> None:
    """Let a role query the control table's index of changed keys."""
    _allow(role, [f"{table.table_arn}/index/{names.CHANGED_INDEX}"], ("Query",))


def allow_fence(role: iam.Role, table: dynamodb.ITable) -> None:
    """Let a role put the fence into a table's resource policy, and take it out."""
    _allow(role, [table.table_arn], ("GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy"))


def _allow(role: iam.Role, resources: list[str], actions: tuple[str, ...]) -> None:
    named = [f"dynamodb:{action}" for action in actions]
    role.add_to_principal_policy(iam.PolicyStatement(actions=named, resources=resources))
