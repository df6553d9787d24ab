"""`ddb-migration reread`: have keys read again from the source and written as they are now."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.control_table import read_record
from ddb_migration_construct.cli.failures import CommandFailed, aws_errors
from ddb_migration_construct.cli.invocation import invoke
from ddb_migration_construct.cli.migrations import Migration, find_migration
from ddb_migration_construct.cli.parked_keys import parked_keys

# Far below the 6 MB that Lambda takes (Lambda quotas), whatever the keys.
KEYS_A_CALL = 200
# A pass ends after 20 s or an empty queue; a queue of millions needs the command again.
_MOST_PASSES = 500


def reread(
    name: Annotated[str, typer.Argument(help='The migration: "<Stack>/<Id>", or its state machine\'s ARN.')],
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY]...", help='Primary keys, as DynamoDB JSON: \'{"id":{"S":"a"}}\'.'),
    ] = None,
    parked: Annotated[bool, typer.Option("--parked", help="All parked keys.")] = False,
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="The keys of all messages in the dead-letter queue.")
    ] = False,
) -> None:
    """Have keys read again from the source and written as they are there now.

    The rereads go through the change queue, each behind what is already queued for its key.
    """
    given = [parse_key(text) for text in keys or []]
    if not (given or parked or dead_letters):
        raise CommandFailed("say what to read again: keys, --parked or --dead-letters")
    with aws_errors():
        migration = find_migration(client("stepfunctions"), name)
        if given:
            typer.echo(_told(send_rereads(client("lambda"), migration, given)))
        if parked:
            typer.echo(_told(send_rereads(client("lambda"), migration, _parked(client("dynamodb"), migration))))
        if dead_letters:
            redrive(client("lambda"), migration, typer.echo)


def parse_key(text: str) -> dict[str, Any]:
    """Return a key from the command line; the migration itself looks whether its tables have such keys."""
    try:
        key = json.loads(text)
    except ValueError as error:
        raise CommandFailed(f'not JSON: {text!r} ({error}); a key looks like {{"id":{{"S":"a"}}}}') from error
    if not isinstance(key, dict):
        raise CommandFailed(f'not a key: {text!r}; a key looks like {{"id":{{"S":"a"}}}}')
    return key


def send_rereads(functions: Any, migration: Migration, keys: Sequence[dict[str, Any]]) -> int:
    """Send a reread of each key and return how many; raises CommandFailed when the queue did not take them all."""
    sent = 0
    for first in range(0, len(keys), KEYS_A_CALL):
        payload = {"action": "reread", "keys": keys[first : first + KEYS_A_CALL]}
        answer = invoke(functions, migration.reread, payload)
        sent += answer["sent"]
        if answer["not_sent"]:
            raise CommandFailed(f"the change queue took {sent} rereads and refused the next; run the command again")
    return sent


def redrive(functions: Any, migration: Migration, say: Callable[[str], None]) -> None:
    """Make rereads of all dead letters, pass by pass, and say what became of them.

    Raises CommandFailed when letters are left: unreadable ones, or such as the change queue did not take.
    """
    totals = {"sent": 0, "not_sent": 0, "discarded": 0}
    unreadable: set[str] = set()
    for answer in _passes(functions, migration):
        totals = {name: count + answer[name] for name, count in totals.items()}
        unreadable.update(answer["unreadable"])
    say(_told(totals["sent"]) + f" {totals['discarded']} dead letters were of an earlier epoch and are deleted.")
    if totals["not_sent"]:
        raise CommandFailed(f"{totals['not_sent']} dead letters stay: the change queue did not take their rereads")
    if unreadable:
        raise CommandFailed(
            f"{len(unreadable)} dead letters cannot be read by this version and stay in the queue "
            f"{migration.dead_letter_queue}: {', '.join(sorted(unreadable)[:10])}"
        )


def _passes(functions: Any, migration: Migration) -> Iterator[dict[str, Any]]:
    for _ in range(_MOST_PASSES):
        answer = invoke(functions, migration.reread, {"action": "redrive"})
        yield answer
        if answer["done"]:
            return
    raise CommandFailed("the dead-letter queue is not empty yet; run the same command again to go on")


def _parked(dynamodb: Any, migration: Migration) -> list[dict[str, Any]]:
    record = read_record(dynamodb, migration.control_table)
    if record.epoch is None:
        return []
    return [found.key for found in parked_keys(dynamodb, migration.control_table, record.epoch)]


def _told(sent: int) -> str:
    return f"{sent} rereads are in the change queue." if sent != 1 else "1 reread is in the change queue."
