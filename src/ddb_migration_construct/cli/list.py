"""`ddb-migration list`: the migrations of this account and Region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from ddb_migration_construct._runtime import moments
from ddb_migration_construct._runtime import names as runtime_names
from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.control_table import read_both
from ddb_migration_construct.cli.executions import newest_execution
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, chosen, run
from ddb_migration_construct.cli.migrations import Directory, Migration
from ddb_migration_construct.cli.ways import leaves_nowhere_to_write
from ddb_migration_construct.cli.words import between

_HEADINGS = ("NAME", "TABLES", "PHASE", "EPOCH", "EXECUTION")


def list_(names: Names = None, stack: AllOf = None, as_json: AsJson = False) -> None:
    """List migrations, by default all of this account and Region, with the phase that each has reached."""
    states, dynamodb = client("stepfunctions"), client("dynamodb")
    found = chosen(names, stack) if names or stack else None
    well, ill = (found, []) if found is not None else _all(states)
    run(well, lambda migration: _row(states, dynamodb, migration), as_json, _table)
    if ill:
        raise CommandFailed("\n".join(ill))


def _all(states: Any) -> tuple[list[Migration], list[str]]:
    """Return all migrations, and what is wrong with those that cannot be looked at."""
    well: list[Migration] = []
    ill: list[str] = []
    for found in sorted(Directory(states).all, key=lambda one: one.name):
        try:
            well.append(found.migration)
        except CommandFailed as failed:
            ill.append(str(failed))
    return well, ill


def _row(states: Any, dynamodb: Any, migration: Migration) -> Told:
    record, reverse = read_both(dynamodb, migration.control_table)
    execution = newest_execution(states, migration)
    source, destination = migration.tables
    values = {
        "source": source,
        "destination": destination,
        "phase": record.phase,
        "rollback_until": record.rollback_until,
        "rolled_back_at": None if leaves_nowhere_to_write(reverse) else reverse.cut_over_at,
        "epoch": record.status,
        "execution": execution.status if execution else None,
        "state_machine": migration.state_machine_arn,
    }
    return Told(migration.name, values)


def _table(told: Sequence[tuple[Migration, Told]]) -> None:
    if not told:
        typer.echo("there are no migrations in this account and Region; check profile and Region")
        return
    cells = [(one.name, between(*one.tables), _phase(row), *_states(row)) for one, row in told]
    rows = [_HEADINGS, *cells]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _states(row: Told) -> tuple[str, ...]:
    return tuple(str(row.values[name.lower()] or "-") for name in _HEADINGS[3:])


def _phase(row: Told) -> str:
    phase, until = str(row.values["phase"] or "-"), row.values["rollback_until"]
    if row.values["rolled_back_at"] is not None:
        return f"{phase}, rolled back"
    return f"{phase} until {moments.utc(until)}" if phase == runtime_names.ROLLBACK_WINDOW_STATE else phase
