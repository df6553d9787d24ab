"""`ddb-migration accept`: settle a parked key as it is, on record."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, chosen, run
from ddb_migration_construct.cli.invocation import invoke
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.reread import parse_key


def accept(
    reason: Annotated[str, typer.Option(help="Why the destination may differ in this item.")],
    key: Annotated[str, typer.Option(help='The parked key, as DynamoDB JSON: \'{"id":{"S":"a"}}\'.')],
    names: Names = None,
    stack: AllOf = None,
    as_json: AsJson = False,
) -> None:
    """Accept that the destination does not have a parked item as the source has it.

    The migration records your identity, the reason and the time. If the item changes and is rejected again, it is
    parked again. In a rollback window it is the source that does not have it as the destination does.
    """
    parsed = parse_key(key)
    concerned = chosen(names, stack)
    by = str(client("sts").get_caller_identity()["Arn"])
    functions = client("lambda")

    def act(migration: Migration) -> Told:
        accept_key(functions, migration, parsed, reason, by)
        return Told(f"Accepted in {migration.name}, by {by}: {key}", {"accepted": parsed, "by": by})

    run(concerned, act, as_json)


def accept_key(functions: Any, migration: Migration, key: dict[str, Any], reason: str, by: str) -> None:
    """Record the acceptance; raises CommandFailed when no reason is given (1) or the key is not parked (3)."""
    if not reason.strip():
        raise CommandFailed("an acceptance needs a reason: --reason ...")
    payload = {"action": "accept", "key": key, "reason": reason, "by": by}
    if not invoke(functions, migration.reread, payload)["accepted"]:
        raise CommandFailed(
            f"this key is not parked; list those that are: ddb-migration status {migration.name} --parked-keys", REFUSED
        )
