"""`ddb-migration start`: begin a migration, or let it go on where it stopped."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.failures import CommandFailed, aws_errors
from ddb_migration_construct.cli.migrations import Migration, find_migration


def start(
    name: Annotated[str, typer.Argument(help='The migration: "<Stack>/<Id>", or its state machine\'s ARN.')],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Start a migration, or continue one that stopped."""
    states = client("stepfunctions")
    with aws_errors():
        migration = find_migration(states, name)
        execution = start_execution(states, migration)
    if as_json:
        typer.echo(json.dumps({"migration": migration.name, "execution": execution}))
    else:
        typer.echo(f"Started {execution}\nFollow it with: ddb-migration status {migration.name}")


def start_execution(states: Any, migration: Migration) -> str:
    """Start the state machine with `{}` and return the execution's ARN.

    Raises CommandFailed when an execution is running; the migration itself would refuse a second one too.
    """
    running = states.list_executions(stateMachineArn=migration.state_machine_arn, statusFilter="RUNNING", maxResults=1)[
        "executions"
    ]
    if running:
        raise CommandFailed(
            f"{migration.name} is running already: {running[0]['executionArn']}; "
            f"follow it with: ddb-migration status {migration.name}"
        )
    answer = states.start_execution(stateMachineArn=migration.state_machine_arn, input="{}")
    return str(answer["executionArn"])
