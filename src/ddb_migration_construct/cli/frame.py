"""What all commands have in common: names in, one act for each migration, lines or JSON out, one exit code.

A new command is a function that does its work for one migration and returns what it has to say:

    def pause(names: Names = None, stack: AllOf = None, as_json: AsJson = False) -> None:
        functions = client("lambda")
        run(chosen(names, stack), lambda migration: pause_one(functions, migration), as_json)
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.failures import CommandFailed, aws_errors
from ddb_migration_construct.cli.migrations import Directory, Migration, choose
from ddb_migration_construct.cli.waiting import interrupt
from ddb_migration_construct.cli.words import addressed

# How many migrations are served at once: their calls are short, and AWS limits how many come in a second.
_AT_ONCE = 8


def complete_names(incomplete: str) -> list[str]:
    """Return the names that a shell may complete; none where AWS cannot be asked."""
    with contextlib.suppress(CommandFailed), aws_errors():
        directory = Directory(client("stepfunctions"))
        return [one.name for one in directory.likely or directory.all if one.name.startswith(incomplete)]
    return []


Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        help='Migrations: "<Stack>/<Id>", or the ARN of the state machine.',
        autocompletion=complete_names,
        show_default=False,
    ),
]
AllOf = Annotated[str | None, typer.Option("--all", metavar="STACK", help="All migrations of this stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: one object a line, one for each migration.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dataclass(frozen=True)
class Told:
    """What a command has to say of one migration: in words, as plain values for `--json`, and its exit code."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0


@dataclass(frozen=True)
class Failed:
    """Why a command could not do its work for one migration."""

    error: str
    exit_code: int


Act = Callable[[Migration], Told]
Result = tuple[Migration, Told | Failed]
Show = Callable[[Sequence[tuple[Migration, Told]]], None]


def chosen(names: Sequence[str] | None, stack: str | None) -> list[Migration]:
    """Return the migrations that were named, each once; raises CommandFailed when none, or an unknown one, is."""
    if not (names or stack):
        raise CommandFailed("name a migration, or give --all STACK; ddb-migration list shows them")
    return choose(client("stepfunctions"), names or [], stack)


def run(chosen: Sequence[Migration], act: Act, as_json: bool, show: Show | None = None) -> None:
    """Do one thing for each migration, side by side, and say what came of it in the order given.

    A failure of one does not stop the others. The command ends with the highest exit code of them all. Interrupted, it
    begins none of those that wait, and says which.
    """
    begun: list[Migration] = []

    def tried(migration: Migration) -> Told | Failed:
        begun.append(migration)
        return _tried(act, migration)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            results = list(zip(chosen, pool.map(tried, chosen), strict=True))
        except KeyboardInterrupt:
            interrupt()
            _tell_interrupted(begun, [one for one in chosen if one not in begun])
            raise
    finish(results, as_json, show)


def _tell_interrupted(begun: Sequence[Migration], others: Sequence[Migration]) -> None:
    there, not_there = (", ".join(one.name for one in some) or "none" for some in (begun, others))
    typer.echo(
        f"ddb-migration: interrupted. Begun, and going on in your account: {there}. Not begun: {not_there}", err=True
    )


def finish(results: Sequence[Result], as_json: bool, show: Show | None = None) -> None:
    """Print results, failures on standard error, and leave with the highest exit code unless it is 0."""
    if as_json:
        for migration, result in results:
            typer.echo(json.dumps({"migration": migration.name, **_values(result)}))
    else:
        (show or _lines)([(migration, result) for migration, result in results if isinstance(result, Told)])
        _failures(results)
    worst = max((result.exit_code for _, result in results), default=0)
    if worst:
        raise typer.Exit(worst)


def ask(question: str, concerned: Sequence[Migration], yes: bool) -> None:
    """Ask before what cannot be undone, and name where; the command ends with exit code 1 unless the answer is yes."""
    if not yes:
        names = ", ".join(migration.name for migration in concerned)
        typer.confirm(f"{concerned[0].place}: " + question.format(names=names), abort=True, err=True)


def note(migration: Migration, text: str) -> None:
    """Say on standard error what goes on while a command works; it is no part of its result."""
    typer.echo(f"{migration.name}: {text}", err=True)


def _tried(act: Act, migration: Migration) -> Told | Failed:
    try:
        with aws_errors():
            told = act(migration)
            return replace(told, text=addressed(told.text, migration.name))
    except CommandFailed as failed:
        return Failed(addressed(str(failed), migration.name), failed.exit_code)


def _values(result: Told | Failed) -> dict[str, Any]:
    if isinstance(result, Failed):
        return {"error": result.error, "exit_code": result.exit_code}
    return {**result.values, "exit_code": result.exit_code}


def _lines(told: Iterable[tuple[Migration, Told]]) -> None:
    for _, one in told:
        typer.echo(one.text)


def _failures(results: Sequence[Result]) -> None:
    for migration, result in results:
        if isinstance(result, Failed):
            of = f"{migration.name}: " if len(results) > 1 else ""
            typer.echo(f"ddb-migration: {of}{result.error}", err=True)
