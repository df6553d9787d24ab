"""`ddb-migration pause`: stop bulk load and apply; capture goes on."""

from __future__ import annotations

from typing import Any

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, chosen, note, run
from ddb_migration_construct.cli.invocation import invoke_until_done
from ddb_migration_construct.cli.migrations import Migration


def pause(names: Names = None, stack: AllOf = None, as_json: AsJson = False) -> None:
    """Stop bulk load and apply until `resume`; capture goes on, so no change is lost.

    The command ends when AWS says that the apply mapping is Disabled: from then on no message is received any more.
    Changes wait in the queue for as long as it keeps them, 14 days by default. Tasks of a bulk load stop within two
    seconds, but their workers run on and cost money; a long pause is cheaper before the bulk load or after it.
    """
    by = str(client("sts").get_caller_identity()["Arn"])
    functions = client("lambda")
    run(chosen(names, stack), lambda migration: pause_one(functions, migration, by), as_json)


def pause_one(functions: Any, migration: Migration, by: str) -> Told:
    """Pause one migration; raises CommandFailed when it refuses (exit code 3), as it does when none is open."""
    payload = {"action": "pause", "by": by}
    answer = invoke_until_done(functions, migration.reread, payload, lambda text: note(migration, text))
    applies = "the apply mapping is Disabled" if answer["mapping"] else "apply has not begun yet"
    text = f"Paused {migration.name}: {applies}, bulk tasks stop within 2 s, capture goes on."
    told = {name: answer[name] for name in ("mapping", "paused_since", "paused_by")}
    return Told(f"{text} Go on with: ddb-migration resume {migration.name}", {"paused": True, **told})
