"""`ddb-migration roll-back`: switch the application back from the destination to the source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ddb_migration_construct._runtime import moments
from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.control_table import ControlRecord
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, Yes, ask, chosen, run
from ddb_migration_construct.cli.invocation import invoke
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.switching import (
    DEFAULT_TIMEOUT,
    DryRun,
    Order,
    Switches,
    Timeout,
    group_of,
    require_none,
    would,
)
from ddb_migration_construct.cli.ways import BACK

_QUESTION = "Roll {names} back? Writes to the destination will be denied, and the source becomes the table again"


def roll_back(
    names: Names = None,
    stack: AllOf = None,
    dry_run: DryRun = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Deny writes to the destination, wait until the source has everything, and let the source take writes again.

    Possible after a fenced cut-over, until the rollback window is over. On any doubt the destination's fence is
    lifted, the destination stays the table, and the command ends with the reason and exit code 3. Several migrations
    roll back together or not at all. Your application learns the moment from the event RolledBack of EventBridge
    (source ddb-migration).
    """
    concerned = chosen(names, stack)
    functions = client("lambda")
    if dry_run:
        run(concerned, lambda migration: previewed(functions, migration), as_json)
        return
    for migration in concerned:
        require_none(reasons_against(preview(functions, migration)), migration, BACK)
    ask(_QUESTION, concerned, yes)
    given = Order(timeout_seconds=timeout, group=group_of(concerned))
    following = Switches(client("stepfunctions"), client("dynamodb"), BACK, given).order(concerned)
    run(concerned, lambda migration: gone_back(migration, following.result(migration)), as_json)


def require_window(migration: Migration) -> None:
    """Raise CommandFailed (exit code 3) for a migration that can never be rolled back."""
    if not migration.can_roll_back:
        raise CommandFailed(
            f"{migration.name} cannot be rolled back: it has no rollback window. Where the next migration shall have "
            "one, set rollback_window and deploy before it starts",
            REFUSED,
        )


def preview(functions: Any, migration: Migration) -> dict[str, Any]:
    """Ask a migration what a roll back would do; raises CommandFailed (exit code 3) for one that never can."""
    require_window(migration)
    return invoke(functions, migration.cut_over, {"action": "preview-roll-back"})


def reasons_against(found: dict[str, Any]) -> list[str]:
    """Return why an order would be refused now, given what the migration said."""
    reasons = list(found["closed_because"])
    if not (reasons or found["is_ready"]):
        reasons.append("it waits for no roll back now: ddb-migration status shows what it does")
    return reasons


def previewed(functions: Any, migration: Migration) -> Told:
    """Return what a roll back would do; exit code 3 when it would be refused."""
    found = preview(functions, migration)
    reasons = reasons_against(found)
    lines = would(reasons, migration, BACK, _steps(found))
    return Told("\n".join(lines), {**found, "reasons": reasons}, REFUSED if reasons else 0)


def gone_back(migration: Migration, record: ControlRecord) -> Told:
    """Say that a migration has rolled back, and what to do next."""
    text = (
        f"{migration.name} has rolled back: switch your application back to the source, which takes writes again. "
        f"The destination takes none. When all is well: ddb-migration complete {migration.name}"
    )
    return Told(text, {"rolled_back_at": record.cut_over_at, "fenced_at": record.fenced_at})


def _steps(found: dict[str, Any]) -> Iterator[str]:
    if found["until"] is not None:
        yield f"do so until {moments.utc(found['until'])}, and not later"
    yield f"put this statement into the destination's policy: {json.dumps(found['fence'])}"
    yield f"deny writes by it for about {found['fence_seconds']} s, and what the last changes take to be written back"
    yield "wait until the stream is quiet and the source has it all, compare the last changed keys, and stop applying"
    yield "lift the source's fence, so that it takes writes again, and tell your application by the event RolledBack"
    yield "leave the destination fenced until you complete the migration with --lift-fence"
