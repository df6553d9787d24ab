"""`ddb-migration cut-over`: switch the application from the source to the destination."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.cut_over_following import Following
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, Yes, ask, chosen, note, run
from ddb_migration_construct.cli.invocation import invoke
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.ordering import Ordering

FENCED, UNFENCED = "fenced", "unfenced"
DEFAULT_TIMEOUT = 180


def cut_over(
    names: Names = None,
    stack: AllOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    timeout: Annotated[
        int, typer.Option(min=60, max=3600, help="Turn back if it takes longer, in seconds from the fence on.")
    ] = DEFAULT_TIMEOUT,
    writers_stopped: Annotated[
        bool,
        typer.Option("--writers-stopped", help="No fence: you say that nothing writes to the source any more."),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Deny writes to the source, wait until the destination has everything, and end the replication.

    On any doubt the fence is lifted, replication goes on, and the command ends with the reason and exit code 3.
    Several migrations cut over together or not at all. Your application learns the moment from the event
    HasCutOver of EventBridge (source ddb-migration).
    """
    concerned = chosen(names, stack)
    functions = client("lambda")
    form = UNFENCED if writers_stopped else FENCED
    if dry_run:
        run(concerned, lambda migration: previewed(functions, migration, form), as_json)
        return
    for migration in concerned:
        require_open(migration, preview(functions, migration), form)
    ask(_question(form), concerned, yes)
    group = uuid.uuid4().hex if len(concerned) > 1 else None
    cutter = CutOvers(client("stepfunctions"), client("dynamodb"), Order(form, timeout, group))
    following = cutter.order(concerned)
    run(concerned, following.result, as_json)


@dataclass(frozen=True)
class Order:
    """How to cut over: `group` is None for one migration alone."""

    form: str = FENCED
    timeout_seconds: int = DEFAULT_TIMEOUT
    group: str | None = None

    def text(self) -> str:
        """Return what the state machine is given."""
        return json.dumps({"form": self.form, "timeout_seconds": self.timeout_seconds, "group": self.group})


@dataclass(frozen=True)
class CutOvers:
    """Gives an order to migrations, and leads them through it."""

    states: Any
    dynamodb: Any
    given: Order
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.time

    def order(self, concerned: Sequence[Migration]) -> Following:
        """Give the order to each migration, follow all of them to their end, and return what came of it."""
        following = Following(self.dynamodb, concerned, self.given.group, note, self.sleep, self.clock)
        ordering = Ordering(self.states, self.dynamodb, self.sleep)
        for migration in concerned:
            ordering.give(migration, self.given.text())
        following.to_the_end(1800.0 + self.given.timeout_seconds + 300.0)
        return following


def preview(functions: Any, migration: Migration) -> dict[str, Any]:
    """Ask a migration what a cut-over would do."""
    return invoke(functions, migration.cut_over, {"action": "preview"})


def reasons_against(found: dict[str, Any], form: str) -> list[str]:
    """Return why an order would be refused now, given what the migration said."""
    reasons = list(found["closed_because"])
    if not found["is_ready"]:
        reasons.append("it is not ready: ddb-migration status shows how far it is")
    if form == FENCED and not found["fences"]:
        reasons.append(
            "it may not fence its source: set fence_source_writes=True and deploy, or stop the writers of the source "
            "yourself and say so with --writers-stopped"
        )
    return reasons


def require_open(migration: Migration, found: dict[str, Any], form: str) -> None:
    """Raise CommandFailed (exit code 3) when an order would be refused."""
    reasons = reasons_against(found, form)
    if reasons:
        listed = "".join(f"\n  {number}. {reason}" for number, reason in enumerate(reasons, 1))
        raise CommandFailed(f"{migration.name} cannot cut over now:{listed}", REFUSED)


def previewed(functions: Any, migration: Migration, form: str) -> Told:
    """Return what a cut-over would do; exit code 3 when it would be refused."""
    found = preview(functions, migration)
    reasons = reasons_against(found, form)
    lines = [f"{migration.name}: " + ("would cut over" if not reasons else "would be refused:")]
    lines += [f"  {number}. {reason}" for number, reason in enumerate(reasons, 1)]
    lines += _steps(found, form)
    values = {**found, "reasons": reasons, "form": form}
    return Told("\n".join(lines), values, REFUSED if reasons else 0)


def _steps(found: dict[str, Any], form: str) -> list[str]:
    if form == UNFENCED:
        return [
            "  no fence: you stop the writers; late writes to the source are still copied until you complete",
            "  wait until the stream is quiet and all of it was applied, and compare the last changed keys",
        ]
    return [
        f"  put this statement into the source's policy: {json.dumps(found['fence'])}",
        f"  writes are denied for about {found['fence_seconds']} s, and what the last changes take to be applied",
        "  wait until the stream is quiet and all of it was applied, compare the last changed keys, and stop applying",
        "  the fence stays until you complete the migration with --lift-fence",
    ]


def _question(form: str) -> str:
    what = "Nothing writes to the source any more" if form == UNFENCED else "Writes to the source will be denied"
    return "Cut {names} over? " + what + ", and the destination becomes the table"
