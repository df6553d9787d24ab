"""The primary keys of the two tables, which must be the same: names, key types and attribute types."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration.core.checks.shape import create_table
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Keys, Table

_ROLES = {"HASH": "partition key", "RANGE": "sort key"}


def keys(setup: Setup) -> Iterator[Finding]:
    """Find two tables that are one, or whose primary keys differ."""
    source, destination = setup.source, setup.destination
    if source is None or destination is None:
        return
    if source.arn == destination.arn:
        yield Finding("same-table", f"source and destination are one table, {source.arn}", "Name two tables")
    elif source.keys != destination.keys:
        yield Finding(
            "key-schema",
            f"the primary keys differ: {'; '.join(_differences(source.keys, destination.keys))}",
            f"A table's key cannot be changed: create {destination.name} anew with the source's key, empty, or name "
            "another destination. The table that fits",
            (create_table(source, _beside(destination)),),
        )


def _differences(source: Keys, destination: Keys) -> Iterator[str]:
    ours, theirs = _by_role(source), _by_role(destination)
    for role, title in _ROLES.items():
        one, other = ours.get(role), theirs.get(role)
        if one != other:
            yield f"the {title} is {_shown(one)} in the source and {_shown(other)} in the destination"


def _by_role(keys: Keys) -> dict[str, tuple[str, str]]:
    return {role: (name, kind) for name, role, kind in keys}


def _shown(key: tuple[str, str] | None) -> str:
    return f"{key[0]} of type {key[1]}" if key else "none"


def _beside(table: Table) -> str:
    """Return an ARN that is free: the destination's own name is taken until it is deleted."""
    return f"{table.arn}-new"
