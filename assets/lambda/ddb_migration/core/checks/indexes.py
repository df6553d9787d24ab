"""The source's indexes, which the destination must have with the same keys and projection."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration.core.checks.shape import create_index, delete_index
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Index, Table


def indexes(setup: Setup) -> Iterator[Finding]:
    """Find the source's indexes that the destination lacks or has otherwise; more it may have."""
    source, destination = setup.source, setup.destination
    if source is None or destination is None:
        return
    for name in source.indexes:
        if _differs(source, destination, name):
            yield _finding(source, destination, name)


def _differs(source: Table, destination: Table, name: str) -> bool:
    kinds = name in source.local_indexes, name in destination.local_indexes
    return destination.indexes.get(name) != source.indexes[name] or kinds[0] != kinds[1]


def _finding(source: Table, destination: Table, name: str) -> Finding:
    there = destination.indexes.get(name)
    wanted = _shown(source, name, source.indexes[name])
    found = f"has it as {_shown(destination, name, there)}" if there else "does not have it"
    remedy, paste = _remedy(source, destination, name)
    return Finding(
        "index",
        f"the source has the index {name}: {wanted}; the destination {destination.name} {found}",
        remedy,
        paste,
    )


def _remedy(source: Table, destination: Table, name: str) -> tuple[str, tuple[str, ...]]:
    if name in source.local_indexes or name in destination.local_indexes:
        return "A local index comes with its table only: create the destination anew with it", ()
    create = create_index(source, name, destination)
    if name not in destination.indexes:
        return "Create it, and also in the template that owns the destination", (create,)
    return (
        "An index cannot be changed: delete it, wait until it is gone and create it, in the template too",
        (delete_index(name, destination.arn), create),
    )


def _shown(table: Table, name: str, index: Index) -> str:
    keys, projection, attributes = index
    kind = "local" if name in table.local_indexes else "global"
    shown = ", ".join(f"{attribute} {role} ({type_})" for attribute, role, type_ in keys)
    return f"{kind}, {shown}, projection {projection}" + (f" of {', '.join(attributes)}" if attributes else "")
