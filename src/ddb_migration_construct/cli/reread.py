"""`ddb-migration reread`: have keys read again from the source and written as they are now."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.control_table import read_both
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, chosen, run
from ddb_migration_construct.cli.invocation import invoke
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.parked_keys import parked_keys

# Far below the 6 MB that Lambda takes (Lambda quotas), whatever the keys.
KEYS_A_CALL = 200
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# A pass ends after 20 s or an empty queue; a queue of millions needs the command again.
_MOST_PASSES = 500


def reread(
    names: Names = None,
    stack: AllOf = None,
    keys: Annotated[
        list[str] | None,
        typer.Option("--key", help='A primary key, as DynamoDB JSON: \'{"id":{"S":"a"}}\'; may be repeated.'),
    ] = None,
    parked: Annotated[bool, typer.Option("--parked", help="All parked keys.")] = False,
    dead_letters: Annotated[
        bool, typer.Option("--dead-letters", help="The keys of all messages in the dead-letter queue.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have keys read again from the source and written as they are there now.

    The rereads go through the change queue, each behind what is already queued for its key. In a rollback window they
    are read from the destination, and written to the source.
    """
    given = [parse_key(text) for text in keys or []]
    if not (given or parked or dead_letters):
        raise CommandFailed("say what to read again: --key, --parked or --dead-letters")
    functions, dynamodb = client("lambda"), client("dynamodb")

    def act(migration: Migration) -> Told:
        wanted = [*given, *(_parked(dynamodb, migration) if parked else [])]
        sent = send_rereads(functions, migration, wanted) if wanted else 0
        redriven = redrive(functions, migration) if dead_letters else Redriven()
        return _told(migration, sent + redriven.sent, redriven.discarded)

    run(chosen(names, stack), act, as_json)


def parse_key(text: str) -> dict[str, Any]:
    """Return a key from the command line; the migration itself looks whether its tables have such keys."""
    try:
        key = json.loads(text)
    except ValueError as error:
        raise CommandFailed(f'not JSON: {text!r} ({error}); a key looks like {{"id":{{"S":"a"}}}}') from error
    if not isinstance(key, dict):
        raise CommandFailed(f'not a key: {text!r}; a key looks like {{"id":{{"S":"a"}}}}')
    for name, value in key.items():
        _require_written_as_by_aws(name, value)
    return key


def _require_written_as_by_aws(name: str, value: Any) -> None:
    """Raise CommandFailed for a number or base64 that Python reads and DynamoDB does not, or writes otherwise.

    The text of a key is what it is found by: `YR==` is the same byte as `YQ==`, and would be another key.
    """
    number, binary = (value.get("N"), value.get("B")) if isinstance(value, dict) else (None, None)
    if isinstance(number, str) and not _NUMBER.fullmatch(number):
        raise CommandFailed(f"{name}: {number!r} is no number of DynamoDB; one looks like -12.5 or 1E3")
    if isinstance(binary, str) and not _is_base64(binary):
        raise CommandFailed(f"{name}: {binary!r} is not base64 as DynamoDB writes it, padded and in one line: YQ==")


def _is_base64(text: str) -> bool:
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except ValueError:
        return False


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


@dataclass(frozen=True)
class Redriven:
    """What became of dead letters: rereads sent, and letters of an earlier epoch, which are deleted."""

    sent: int = 0
    discarded: int = 0


def redrive(functions: Any, migration: Migration) -> Redriven:
    """Make rereads of all dead letters, pass by pass, and return what became of them.

    Raises CommandFailed when letters are left: unreadable ones, or such as the change queue did not take.
    """
    totals = {"sent": 0, "not_sent": 0, "discarded": 0}
    unreadable: set[str] = set()
    for answer in _passes(functions, migration):
        totals = {name: count + answer[name] for name, count in totals.items()}
        unreadable.update(answer["unreadable"])
    done = f"{_rereads(totals['sent'])} in the change queue; "
    if totals["not_sent"]:
        raise CommandFailed(
            f"{done}{totals['not_sent']} dead letters stay: the change queue did not take their rereads"
        )
    if unreadable:
        raise CommandFailed(
            f"{done}{len(unreadable)} dead letters cannot be read by this version and stay in the queue "
            f"{migration.dead_letter_queue}: {', '.join(sorted(unreadable)[:10])}"
        )
    return Redriven(totals["sent"], totals["discarded"])


def _passes(functions: Any, migration: Migration) -> Iterator[dict[str, Any]]:
    for _ in range(_MOST_PASSES):
        answer = invoke(functions, migration.reread, {"action": "redrive"})
        yield answer
        if answer["done"]:
            return
    raise CommandFailed("the dead-letter queue is not empty yet; run the same command again to go on")


def _parked(dynamodb: Any, migration: Migration) -> list[dict[str, Any]]:
    there, back = read_both(dynamodb, migration.control_table)
    record = back if there.is_fenced_cut_over and migration.can_roll_back else there
    if record.epoch is None:
        return []
    return [found.key for found in parked_keys(dynamodb, migration.control_table, record.epoch)]


def _told(migration: Migration, sent: int, discarded: int) -> Told:
    what = f"{_rereads(sent)} in the change queue, behind what waits there for the same key" if sent else _NOTHING
    text = f"{migration.name}: {what}."
    if discarded:
        text += f" {discarded} dead letters were of an earlier epoch and are deleted."
    return Told(text, {"rereads": sent, "discarded": discarded})


_NOTHING = "nothing is parked or dead, so there is nothing to read again"


def _rereads(count: int) -> str:
    return f"{count} rereads are" if count != 1 else "1 reread is"
