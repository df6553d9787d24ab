"""`ddb-migration abort`: give a migration up before cut-over."""

from __future__ import annotations

from typing import Any

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.control_table import read_record
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, Yes, ask, chosen, note, run
from ddb_migration_construct.cli.invocation import invoke_until_done
from ddb_migration_construct.cli.migrations import Migration

_QUESTION = (
    "Abort {names}? The execution and the Glue run stop, queued changes are dropped, and the destination no longer "
    "follows the source"
)


def abort(names: Names = None, stack: AllOf = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop a migration and remove what it made at run time; neither table is altered.

    Refused (exit code 3) from the cut-over on.
    """
    concerned = chosen(names, stack)
    ask(_QUESTION, concerned, yes)
    functions, dynamodb = client("lambda"), client("dynamodb")
    run(concerned, lambda migration: _aborted(functions, dynamodb, migration), as_json)


def _aborted(functions: Any, dynamodb: Any, migration: Migration) -> Told:
    epoch = read_record(dynamodb, migration.control_table).epoch
    payload = {"action": "abort"}
    answer = invoke_until_done(functions, migration.clean_up, payload, lambda text: note(migration, text))
    if epoch is None:
        return Told(f"{migration.name} had not begun; there was nothing to abort.", {"aborted": False, "left_on": []})
    text = f"Aborted {migration.name}. The destination keeps what was copied; empty it before another start."
    left_on = answer.get("left_on", [])
    if left_on:
        text += f" Still on at the source, where this migration switched it on: {', '.join(left_on)}."
    return Told(text, {"aborted": True, "left_on": left_on})
