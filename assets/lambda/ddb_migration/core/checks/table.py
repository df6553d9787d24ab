"""What is asked of either table: that it is here, that it serves, and that its key can be used."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration.core.checks.commands import on_table
from ddb_migration.core.findings import Finding
from ddb_migration.core.table import Table

# DynamoDB API, TableStatus.
_REMEDIES = {
    "CREATING": "Wait until it is ACTIVE and start again",
    "DELETING": "It is being deleted: name another table, or create it again",
    "ARCHIVING": "DynamoDB archives it, because its KMS key was out of reach for more than seven days; restore it "
    "from the backup that this leaves, under another name, and name that one",
    "ARCHIVED": "DynamoDB archived it, because its KMS key was out of reach for more than seven days; restore it from "
    "the backup that this left, under another name, and name that one",
    "REPLICATION_NOT_AUTHORIZED": "Give the table's replication the permission that it lacks, or take the replica away",
}
_WAITING = ("CREATING",)


def usable(role: str, table: Table) -> Iterator[Finding]:
    """Find a table that does not serve, or will not for long."""
    if table.key_lost:
        yield _key_lost(role, table)
    elif not table.is_usable:
        waiting = (on_table(table.arn, "wait table-exists"),) if table.status in _WAITING else ()
        yield Finding(
            f"{role}-not-active",
            f"the {role} table {table.name} is {table.status}",
            _REMEDIES.get(table.status, "Wait until it is ACTIVE, or mend what keeps it from that, and start again"),
            waiting or (on_table(table.arn, "describe-table"),),
        )


def _key_lost(role: str, table: Table) -> Finding:
    key = table.key_arn or "the key named by describe-table"
    region = f"--region {table.region}"
    commands = (f"aws kms describe-key {region} --key-id {key}", f"aws kms enable-key {region} --key-id {key}")
    return Finding(
        f"{role}-key",
        f"DynamoDB cannot use the KMS key of the {role} table {table.name}: {key}; it archives a table whose key "
        "stays out of reach for seven days",
        "Enable the key, cancel its deletion, or give DynamoDB its grant back; then start again",
        commands if table.key_arn else (on_table(table.arn, "describe-table"),),
    )
