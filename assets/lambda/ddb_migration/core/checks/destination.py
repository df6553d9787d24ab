"""The destination: there, serving, empty in a new epoch, and no other migration's."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration.core.checks.commands import on_table
from ddb_migration.core.checks.shape import create_table
from ddb_migration.core.checks.table import usable
from ddb_migration.core.findings import Finding
from ddb_migration.core.place import Place
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table


def destination(setup: Setup) -> Iterator[Finding]:
    """Find what keeps the destination from being filled."""
    yield from _elsewhere(setup)
    if setup.destination is not None:
        yield from usable("destination", setup.destination)
        yield from _holds_items(setup, setup.destination)
    elif not (setup.destination_denied or list(_elsewhere(setup))):
        yield Finding(
            "destination-missing",
            f"the destination table {setup.destination_arn} does not exist",
            "Create it first, best in your own CDK app, with the source's keys and indexes, and pass it as "
            "destination_table",
            (create_table(setup.source, setup.destination_arn),) if setup.source else (),
        )
    yield from _locked(setup)


def _elsewhere(setup: Setup) -> Iterator[Finding]:
    if setup.destination_role is None and setup.is_region_another:
        yield Finding(
            "destination-elsewhere",
            f"the destination table {setup.destination_arn} is in {Place.of(setup.destination_arn)}, and the "
            f"migration in {setup.home}, and there is no destination_role",
            "A table of another Region is called as a role that is assumed for it: pass destination_role, and give it "
            "what destination_role_policy_statements says",
        )


def _holds_items(setup: Setup, table: Table) -> Iterator[Finding]:
    if not setup.destination_empty and not setup.record.is_open:
        yield Finding(
            "destination-not-empty",
            f"the destination table {table.name} holds items, and a new migration fills an empty table",
            "Empty it or name another; items that are not in the source would stay, and look migrated. To see some",
            (on_table(table.arn, "scan", "--max-items", "5"),),
        )


def _locked(setup: Setup) -> Iterator[Finding]:
    if setup.destination_holder:
        yield Finding(
            "destination-locked",
            f"the destination table {setup.destination_arn} is being filled by the migration "
            f"{setup.destination_holder}",
            "Let that one end, or give it up",
            (f"ddb-migration abort {setup.destination_holder}",),
        )
