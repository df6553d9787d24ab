"""`ddb-migration accept`: settle a parked key as it is, on record."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed, aws_errors
from ddb_migration_construct.cli.invocation import invoke
from ddb_migration_construct.cli.migrations import Migration, find_migration
from ddb_migration_construct.cli.reread import parse_key


def accept(
    name: Annotated[str, typer.Argument(help='The migration: "<Stack>/<Id>", or its state machine\'s ARN.')],
    key: Annotated[str, typer.Argument(help='The parked key, as DynamoDB JSON: \'{"id":{"S":"a"}}\'.')],
    reason: Annotated[str, typer.Option(help="Why the destination may differ in this item.")],
) -> None:
    """Accept that the destination does not have a parked item as the source has it.

    The migration records your identity, the reason and the time. If the item changes and is rejected again, it is
    parked again.
    """
    parsed = parse_key(key)
    with aws_errors():
        migration = find_migration(client("stepfunctions"), name)
        by = str(client("sts").get_caller_identity()["Arn"])
        accept_key(client("lambda"), migration, parsed, reason, by)
    typer.echo(f"Accepted, by {by}: {key}")


def accept_key(functions: Any, migration: Migration, key: dict[str, Any], reason: str, by: str) -> None:
    """Record the acceptance; raises CommandFailed when no reason is given (1) or the key is not parked (2)."""
    if not reason.strip():
        raise CommandFailed("an acceptance needs a reason: --reason ...")
    payload = {"action": "accept", "key": key, "reason": reason, "by": by}
    if not invoke(functions, migration.reread, payload)["accepted"]:
        raise CommandFailed(
            f"this key is not parked; list those that are: ddb-migration status {migration.name} --parked-keys", REFUSED
        )
