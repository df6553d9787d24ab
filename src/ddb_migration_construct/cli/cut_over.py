"""`ddb-migration cut-over`: switch the application from the source to the destination."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.control_table import FENCED, UNFENCED, ControlRecord
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
from ddb_migration_construct.cli.ways import THERE


def cut_over(
    names: Names = None,
    stack: AllOf = None,
    dry_run: DryRun = False,
    timeout: Timeout = DEFAULT_TIMEOUT,
    writers_stopped: Annotated[
        bool,
        typer.Option("--writers-stopped", help="No fence: you say that nothing writes to the source any more."),
    ] = False,
    accept_sample: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-sample",
            metavar="PASS",
            help="Cut over although only a sample was verified: the name of that verify pass. Put on record.",
            show_default=False,
        ),
    ] = None,
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
    named = accept_sample or []
    if dry_run:
        run(concerned, lambda migration: previewed(functions, migration, form, named), as_json)
        return
    found = {migration: preview(functions, migration, named) for migration in concerned}
    samples = accepted_samples(found, named)
    for migration in concerned:
        require_open(migration, found[migration], form)
    ask(_question(form) + _unseen(samples, found), concerned, yes)
    by = str(client("sts").get_caller_identity()["Arn"]) if samples else None
    given = Order(form, timeout, group_of(concerned), accepted_by=by)
    following = Switches(client("stepfunctions"), client("dynamodb"), THERE, given, samples).order(concerned)
    run(concerned, lambda migration: gone_there(migration, following.result(migration)), as_json)


def gone_there(migration: Migration, record: ControlRecord) -> Told:
    """Say that a migration has cut over, and what to do next."""
    text = f"{migration.name} has cut over ({record.cut_over_form}): switch your application to the destination. "
    well = "When all is well"
    if migration.can_roll_back and record.cut_over_form == FENCED:
        text += f"While the rollback window is open you can switch it back: ddb-migration roll-back {migration.name}. "
        well = "When it is over and all is well"
    values = {
        "cut_over_at": record.cut_over_at,
        "form": record.cut_over_form,
        "fenced_at": record.fenced_at or record.cut_over_at,
    }
    return Told(f"{text}{well}: ddb-migration complete {migration.name}", values)


def preview(functions: Any, migration: Migration, named: Sequence[str] = ()) -> dict[str, Any]:
    """Ask a migration what a cut-over would do that accepts the sampled passes of these names."""
    return invoke(functions, migration.cut_over, {"action": "preview", "accepted_samples": list(named)})


def accepted_samples(found: Mapping[Migration, dict[str, Any]], named: Sequence[str]) -> dict[Migration, str]:
    """Return which of the named passes is accepted for which migration, given what each said.

    Raises CommandFailed (exit code 3) for a name that is not that of a sample on which a gate hangs.
    """
    samples = {migration: told["sample"]["pass"] for migration, told in found.items() if told["sample"]}
    unknown = [name for name in named if name not in samples.values()]
    if unknown:
        there = "; ".join(f"{migration.name}: {name}" for migration, name in samples.items()) or "none"
        raise CommandFailed(
            f"--accept-sample {unknown[0]}: no gate hangs on a sampled verify pass of that name. Those on which one "
            f"does: {there}. A migration that was verified whole needs none",
            REFUSED,
        )
    return {migration: name for migration, name in samples.items() if name in named}


def reasons_against(migration: Migration, found: dict[str, Any], form: str) -> list[str]:
    """Return why an order would be refused now, given what the migration said."""
    if found.get("has_cut_over"):
        return ["it has cut over already; what is left to do: ddb-migration status"]
    reasons = list(found["closed_because"])
    if not found["is_ready"]:
        # First, for what follows may be so only because of it.
        reasons.insert(0, "it is not ready, it waits for you when it is: ddb-migration status shows how far it is")
    if form == FENCED and not found["fences"]:
        reasons.append(
            "it may not fence its source: set fence_source_writes=True and deploy, or stop the writers of the source "
            "yourself and say so with --writers-stopped"
        )
    if form == UNFENCED and migration.can_roll_back:
        reasons.append(
            "without a fence it could not be rolled back, and it has a rollback window: cut over without "
            "--writers-stopped, or deploy without rollback_window"
        )
    return reasons


def require_open(migration: Migration, found: dict[str, Any], form: str) -> None:
    """Raise CommandFailed (exit code 3) when an order would be refused."""
    require_none(reasons_against(migration, found, form), migration, THERE)


def previewed(functions: Any, migration: Migration, form: str, named: Sequence[str] = ()) -> Told:
    """Return what a cut-over would do; exit code 3 when it would be refused."""
    found = preview(functions, migration, named)
    reasons = reasons_against(migration, found, form)
    lines = would(reasons, migration, THERE, _steps(migration, found, form, named))
    values = {**found, "reasons": reasons, "form": form}
    return Told("\n".join(lines), values, REFUSED if reasons else 0)


def _steps(migration: Migration, found: dict[str, Any], form: str, named: Sequence[str]) -> Iterator[str]:
    if found["sample"] and found["sample"]["pass"] in named:
        yield f"go on record with who accepted {_sample(found)}"
    if form == UNFENCED:
        yield "no fence: you stop the writers; late writes to the source are still copied until you complete"
        yield "wait until the stream is quiet and all of it was applied, and compare the last changed keys"
        return
    yield f"put this statement into the source's policy: {json.dumps(found['fence'])}"
    yield f"deny writes by it for about {found['fence_seconds']} s, and what the last changes take to be applied"
    yield "wait until the stream is quiet and all of it was applied, compare the last changed keys, and stop applying"
    if migration.can_roll_back:
        yield "write back to the source what the destination takes from then on, until the rollback window is over"
    yield "leave the fence until you complete the migration with --lift-fence"


def _unseen(samples: Iterable[Migration], found: Mapping[Migration, dict[str, Any]]) -> str:
    return "".join(f". {migration.name} was verified on {_sample(found[migration])}" for migration in samples)


def _sample(found: dict[str, Any]) -> str:
    sample = found["sample"]
    return f"a sample of {sample['share']:.2%} of its keys (verify pass {sample['pass']}), and not on the others"


def _question(form: str) -> str:
    what = "Nothing writes to the source any more" if form == UNFENCED else "Writes to the source will be denied"
    return "Cut {names} over? " + what + ", and the destination becomes the table"
