"""`ddb-migration status`: how far a migration is, and what to do next."""

from __future__ import annotations

from typing import Annotated

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, chosen, run
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.plain_status import status_lines
from ddb_migration_construct.cli.reading import Reader
from ddb_migration_construct.cli.watching import Watch

_EVERY_SECONDS = 5.0


def status(
    names: Names = None,
    stack: AllOf = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on looking, in place, until no execution runs any more.")
    ] = False,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks of --watch.")] = _EVERY_SECONDS,
    keys: Annotated[
        bool, typer.Option("--parked-keys", help="Show the parked and the accepted keys too, one a line.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far a migration is, how fast, what is parked and why, what it waits for, and the next step.

    Several migrations are shown as a table by --watch, which ends with exit code 4 if one has stopped and needs you.
    """
    concerned = chosen(names, stack)
    reader = Reader(client("stepfunctions"), client("dynamodb"), client("sqs"))
    if watch:
        follow = Watch(reader, every)
        raise typer.Exit(follow.as_json(concerned) if as_json else follow.shown(concerned))

    def act(migration: Migration) -> Told:
        found = reader.read(migration, keys)
        return Told("\n".join(status_lines(found)), found.as_json())

    run(concerned, act, as_json)
