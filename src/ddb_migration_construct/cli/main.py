"""The application `ddb-migration`."""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable
from typing import TextIO

try:
    import typer
except ModuleNotFoundError as missing:
    sys.exit(f"ddb-migration needs the module {missing.name!r}; install ddb-migration-construct[cli]")

from ddb_migration_construct.cli.abort import abort
from ddb_migration_construct.cli.accept import accept
from ddb_migration_construct.cli.complete import complete
from ddb_migration_construct.cli.cut_over import cut_over
from ddb_migration_construct.cli.failures import EXIT_CODES, reported
from ddb_migration_construct.cli.list import list_
from ddb_migration_construct.cli.pause import pause
from ddb_migration_construct.cli.plan import plan
from ddb_migration_construct.cli.rate import rate
from ddb_migration_construct.cli.rehearse import rehearse
from ddb_migration_construct.cli.report import report
from ddb_migration_construct.cli.reread import reread
from ddb_migration_construct.cli.resume import resume
from ddb_migration_construct.cli.roll_back import roll_back
from ddb_migration_construct.cli.start import start
from ddb_migration_construct.cli.status import status
from ddb_migration_construct.cli.verify import verify

# Each command by its name, and an example that its help shows; in the order in which an operator meets them.
COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = (
    ("rehearse", rehearse, "ddb-migration rehearse --items 20000 --mode both"),
    ("plan", plan, "ddb-migration plan --source orders --destination orders-v2"),
    ("list", list_, "ddb-migration list"),
    ("start", start, "ddb-migration start --all Migrations --parallel 3"),
    ("status", status, "ddb-migration status Migrations/Orders --watch"),
    ("pause", pause, "ddb-migration pause Migrations/Orders"),
    ("resume", resume, "ddb-migration resume Migrations/Orders"),
    ("rate", rate, "ddb-migration rate Migrations/Orders --reads 5000 --writes none"),
    ("reread", reread, """ddb-migration reread Migrations/Orders --key '{"id":{"S":"o-17"}}'"""),
    ("accept", accept, """ddb-migration accept Migrations/Orders --key '{"id":{"S":"o-17"}}' --reason 'a test'"""),
    ("verify", verify, "ddb-migration verify Migrations/Orders --sample 1%"),
    ("report", report, "ddb-migration report Migrations/Orders --out report"),
    ("cut-over", cut_over, "ddb-migration cut-over Migrations/Orders Migrations/Customers --timeout 300"),
    ("roll-back", roll_back, "ddb-migration roll-back Migrations/Orders --dry-run"),
    ("complete", complete, "ddb-migration complete Migrations/Orders"),
    ("abort", abort, "ddb-migration abort Migrations/Orders"),
)

app = typer.Typer(
    name="ddb-migration",
    help="Migrate a live DynamoDB table into another one, and rehearse it first.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _help(command: Callable[..., None]) -> str:
    """Return a command's docstring with each paragraph in one line, so that it wraps where the terminal does."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


for name, command, example in COMMANDS:
    app.command(name, help=_help(command), epilog=f"Example: {example}")(reported(command))


def main() -> None:
    """Run the command line."""
    show_what_can_be_shown(sys.stdout, sys.stderr)
    app()


def show_what_can_be_shown(*streams: TextIO) -> None:
    """Let what a stream's code page does not have be shown as `?`, where it would end the command otherwise."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
