"""`ddb-migration complete`: end a migration that has cut over."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, Yes, ask, chosen, note, run
from ddb_migration_construct.cli.invocation import invoke_until_done
from ddb_migration_construct.cli.migrations import Migration

_QUESTION = "Complete {names}? Capture ends, and nothing tells any more of late writes to the table that was left"


def complete(
    names: Names = None,
    stack: AllOf = None,
    lift_fence: Annotated[
        bool,
        typer.Option("--lift-fence", help="Let the table that was left take writes again; by default it stays fenced."),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove what a migration made at run time, and end it; it tells what is left to do.

    Refused (exit code 3) while a key is parked, the table that was left has changed within the hour, the rollback
    window is open (unless it was rolled back), a roll back is under way, or within an hour of a cut-over without a
    fence. The table that was left is the source; after a roll back it is the destination.
    """
    concerned = chosen(names, stack)
    ask(_QUESTION, concerned, yes)
    functions = client("lambda")
    run(concerned, lambda migration: completed(functions, migration, lift_fence), as_json)


def completed(functions: Any, migration: Migration, lift_fence: bool) -> Told:
    """Complete one migration, and return what is left to do."""
    payload = {"action": "complete", "lift_fence": lift_fence}
    answer = invoke_until_done(functions, migration.cut_over, payload, lambda text: note(migration, text))
    lines = [f"Completed {migration.name}. What is left to do:", *(f"  - {left}" for left in answer["left"])]
    return Told("\n".join(lines), {"completed": True, "left": answer["left"]})
