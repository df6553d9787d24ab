"""`ddb-migration resume`: let a paused migration go on."""

from __future__ import annotations

from typing import Any

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, chosen, note, run
from ddb_migration_construct.cli.invocation import invoke_until_done
from ddb_migration_construct.cli.migrations import Migration


def resume(names: Names = None, stack: AllOf = None, as_json: AsJson = False) -> None:
    """Let paused migrations go on where they were; one that is not paused is left as it is.

    The state machine may take up to ten minutes to see it; bulk tasks and apply go on at once.
    """
    functions = client("lambda")
    run(chosen(names, stack), lambda migration: resume_one(functions, migration), as_json)


def resume_one(functions: Any, migration: Migration) -> Told:
    """Resume one migration; raises CommandFailed when it refuses (exit code 3), as it does when none is open."""
    answer = invoke_until_done(functions, migration.reread, {"action": "resume"}, lambda text: note(migration, text))
    applies = "the apply mapping is Enabled" if answer["mapping"] else "apply has not begun yet"
    return Told(f"Resumed {migration.name}: {applies}.", {"paused": False, "mapping": answer["mapping"]})
