"""The application `ddb-migration`."""

from __future__ import annotations

import sys

try:
    import typer
except ModuleNotFoundError as missing:
    sys.exit(f"ddb-migration needs the module {missing.name!r}; install ddb-migration-construct[cli]")

from ddb_migration_construct.cli.abort import abort
from ddb_migration_construct.cli.accept import accept
from ddb_migration_construct.cli.failures import reported
from ddb_migration_construct.cli.rehearse import rehearse
from ddb_migration_construct.cli.reread import reread
from ddb_migration_construct.cli.start import start
from ddb_migration_construct.cli.status import status

app = typer.Typer(
    name="ddb-migration",
    help="Migrate a live DynamoDB table into another one, and rehearse it first.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (rehearse, start, status, reread, accept, abort):
    app.command()(reported(command))


def main() -> None:
    """Run the command line."""
    app()
