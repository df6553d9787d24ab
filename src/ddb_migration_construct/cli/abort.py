"""`ddb-migration abort`: give a migration up before cut-over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, Yes, ask, chosen, note, run
from ddb_migration_construct.cli.invocation import invoke
from ddb_migration_construct.cli.migrations import Migration

_SECONDS_BETWEEN_PASSES = 5.0
# A Glue run can take some minutes to stop; a later abort goes on where this one ended.
_GIVE_UP_AFTER_SECONDS = 1800.0
_QUESTION = (
    "Abort {names}? The execution and the Glue run stop, queued changes are dropped, and the destination no longer "
    "follows the source"
)


def abort(names: Names = None, stack: AllOf = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop a migration and remove what it made at run time; neither table is altered."""
    concerned = chosen(names, stack)
    ask(_QUESTION, concerned, yes)
    functions = client("lambda")
    run(concerned, lambda migration: _aborted(functions, migration), as_json)


def run_clean_up(
    functions: Any,
    migration: Migration,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Invoke the clean-up function until it is done, telling what it waits for.

    Raises CommandFailed when it refuses (exit code 3), fails, or is not done after half an hour.
    """
    waiting_for = None
    for _ in range(int(_GIVE_UP_AFTER_SECONDS / _SECONDS_BETWEEN_PASSES)):
        answer = invoke(functions, migration.clean_up, {"action": "abort"})
        if answer["done"]:
            return
        if answer["waiting_for"] != waiting_for:
            waiting_for = answer["waiting_for"]
            say(f"waiting for {waiting_for}")
        sleep(_SECONDS_BETWEEN_PASSES)
    raise CommandFailed(f"{migration.name} still waits for {waiting_for}; run the same command again to go on")


def _aborted(functions: Any, migration: Migration) -> Told:
    run_clean_up(functions, migration, lambda text: note(migration, text))
    text = f"Aborted {migration.name}. The destination keeps what was copied; empty it before another start."
    return Told(text, {"aborted": True})
