"""`ddb-migration rate`: show or set how fast the bulk load reads and writes, without a deployment."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, chosen, run
from ddb_migration_construct.cli.invocation import invoke
from ddb_migration_construct.cli.migrations import Migration

NO_LIMIT = "none"
READS, WRITES = "max_read_units_per_second", "max_write_units_per_second"


def rate(
    names: Names = None,
    stack: AllOf = None,
    reads: Annotated[
        int | None, typer.Option(min=1, help="Read units a second that the Scan may use, all tasks together.")
    ] = None,
    writes: Annotated[
        str | None,
        typer.Option(
            metavar="N|none", help='Write units a second into the destination, all tasks together; or "none": no limit.'
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the rates of the bulk load, or set them; running tasks obey within two seconds.

    Verify, and the checks of changed keys after it, read the source at the same rate.

    The rates hold until the epoch ends; a later one begins with the construct's props again. Apply is not limited by
    them: `max_apply_concurrency` is, and `pause` stops it.
    """
    rates: dict[str, int | None] = {}
    if reads is not None:
        rates[READS] = reads
    if writes is not None:
        rates[WRITES] = parse_writes(writes)
    functions = client("lambda")
    run(chosen(names, stack), lambda migration: rate_one(functions, migration, rates), as_json)


def parse_writes(text: str) -> int | None:
    """Return a rate of writing, None for no limit; raises CommandFailed for anything else."""
    if text == NO_LIMIT:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise CommandFailed(f'--writes takes a whole number from 1 on, or "{NO_LIMIT}"; it was given {text!r}')
    return int(text)


def rate_one(functions: Any, migration: Migration, rates: dict[str, int | None]) -> Told:
    """Set rates where any are given, and tell those in force; raises CommandFailed when it refuses (3)."""
    answer = invoke(functions, migration.reread, {"action": "rate", "rates": rates})
    reads, writes = answer[READS], answer[WRITES]
    shown = f"{migration.name}: the bulk load reads {_shown(reads)}, and writes {_shown(writes)}"
    over = "; it has ended, and what it read at is now the rate of verify" if answer["bulk_loaded_at"] else ""
    return Told(f"{shown}{over}.", {"reads": reads, "writes": writes, "bulk_load_has_ended": bool(over)})


def _shown(rate: float | None) -> str:
    return "as fast as the table takes it" if rate is None else f"at most {rate:,.0f} units a second"
