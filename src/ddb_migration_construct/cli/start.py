"""`ddb-migration start`: begin migrations, or let them go on where they stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.control_table import read_record
from ddb_migration_construct.cli.executions import RUNNING, newest_execution
from ddb_migration_construct.cli.failures import CommandFailed, aws_errors, is_passing
from ddb_migration_construct.cli.frame import AllOf, AsJson, Failed, Names, Result, Told, chosen, finish, note
from ddb_migration_construct.cli.migrations import Migration

DEFAULT_PARALLEL = 5
_SECONDS_BETWEEN_LOOKS = 15.0


def start(
    names: Names = None,
    stack: AllOf = None,
    parallel: Annotated[
        int, typer.Option(min=1, help="At most so many do their bulk load at once; the others wait for a place.")
    ] = DEFAULT_PARALLEL,
    as_json: AsJson = False,
) -> None:
    """Start migrations, or continue those that stopped; what runs already is left alone, and of --all what is complete.

    With more migrations than places the command goes on until the last one is started. When it is interrupted, the
    same command goes on where it was.
    """
    concerned = chosen(names, stack)
    dynamodb = client("dynamodb")
    given = frozenset(names or ())
    unnamed = [one for one in concerned if not given & {one.name, one.state_machine_arn}]
    complete = [one for one in unnamed if read_record(dynamodb, one.control_table).completed_at is not None]
    starter = Starter(client("stepfunctions"), dynamodb, parallel)
    started = starter.run([one for one in concerned if one not in complete])
    finish([*started, *((one, _complete(one)) for one in complete)], as_json)


def _complete(migration: Migration) -> Told:
    text = f"{migration.name} is complete, and left alone: named, it would begin anew"
    return Told(text, {"execution": None, "started": False})


@dataclass(frozen=True)
class Starter:
    """Starts executions, `parallel` bulk loads at once; `sleep` waits between two looks."""

    states: Any
    dynamodb: Any
    parallel: int = DEFAULT_PARALLEL
    sleep: Callable[[float], object] = time.sleep

    def run(self, migrations: Sequence[Migration]) -> Iterator[Result]:
        """Start one after the other, each when there is a place, and yield what came of it.

        With more migrations than places it is told at once too: the last place may be days away.
        """
        loading: list[Migration] = []
        for migration in migrations:
            try:
                with aws_errors():
                    loading = self._wait_for_place(loading)
                    told = start_execution(self.states, migration)
            except CommandFailed as failed:
                yield migration, Failed(str(failed), failed.exit_code)
                continue
            loading.append(migration)
            if len(migrations) > self.parallel:
                note(migration, "started" if told.values["started"] else "runs already")
            yield migration, told

    def _wait_for_place(self, loading: list[Migration]) -> list[Migration]:
        while len(loading) >= self.parallel:
            still = [migration for migration in loading if self._is_loading(migration)]
            for migration in loading:
                if migration not in still:
                    note(migration, "its bulk load has ended")
            loading = still
            if len(loading) >= self.parallel:
                self.sleep(_SECONDS_BETWEEN_LOOKS)
        return loading

    def _is_loading(self, migration: Migration) -> bool:
        """Tell whether the bulk load is still to come or under way; one that failed needs no place."""
        try:
            return self._loads(migration)
        except Exception as error:
            if not is_passing(error):
                raise
            # Asked again at the next look: a command that takes days meets throttling, and a laptop that slept.
            return True

    def _loads(self, migration: Migration) -> bool:
        execution = newest_execution(self.states, migration)
        if execution is None or execution.status != RUNNING:
            return False
        record = read_record(self.dynamodb, migration.control_table)
        return record.execution != execution.arn or record.bulk_loaded_at is None


def start_execution(states: Any, migration: Migration) -> Told:
    """Start the state machine with `{}`, unless it runs already."""
    running = states.list_executions(stateMachineArn=migration.state_machine_arn, statusFilter="RUNNING", maxResults=1)[
        "executions"
    ]
    follow = f"follow it with: ddb-migration status {migration.name} --watch"
    if running:
        execution = running[0]["executionArn"]
        return Told(f"{migration.name} runs already; {follow}", {"execution": execution, "started": False})
    execution = states.start_execution(stateMachineArn=migration.state_machine_arn, input="{}")["executionArn"]
    return Told(f"Started {migration.name}; {follow}", {"execution": execution, "started": True})
