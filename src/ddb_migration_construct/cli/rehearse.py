"""`ddb-migration rehearse`: run a whole migration on this machine, against an embedded AWS."""

from __future__ import annotations

from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from random import SystemRandom
from typing import Annotated

import typer

from ddb_migration_construct.cli.failures import CommandFailed, require

DEFAULT_ITEMS = 1500
DEFAULT_WRITES_PER_SECOND = 20.0
_SEEDS = 1_000_000


class Mode(str, Enum):
    """The bulk load to rehearse."""

    DIRECT = "direct"
    LARGE = "large"
    BOTH = "both"


class Faults(str, Enum):
    """How much of what may go wrong on AWS is made to go wrong."""

    NONE = "none"
    LIGHT = "light"
    HEAVY = "heavy"


class To(str, Enum):
    """How far to go."""

    READY = "ready"
    CUT_OVER = "cut-over"
    ROLL_BACK = "roll-back"
    COMPLETE = "complete"
    ABORT = "abort"


class PlantedFault(str, Enum):
    """A bug put into the deployed copy of a function, to show that the rehearsal would see it."""

    RANDOM_GROUP = "random-group"
    ACKNOWLEDGE_UNWRITTEN = "acknowledge-unwritten"


def rehearse(
    app: Annotated[
        str | None,
        typer.Option(
            help='Your own CDK app, by the command that synthesises it: --app "python app.py". Each migration in it '
            "is rehearsed with the tables that it names."
        ),
    ] = None,
    migration: Annotated[
        str | None, typer.Option(help="With --app: the one to rehearse, as <StackName>/<ConstructId>.")
    ] = None,
    items: Annotated[int, typer.Option(min=0, help="Items in the source at the start.")] = DEFAULT_ITEMS,
    writes_per_second: Annotated[
        float, typer.Option(min=0, help="Live writes to the source while the migration runs.")
    ] = DEFAULT_WRITES_PER_SECOND,
    mode: Annotated[
        Mode | None,
        typer.Option(
            help="The bulk load: by Scan (direct), from an export (large), or one after the other. Default: direct; "
            "with --app, what the app says."
        ),
    ] = None,
    faults: Annotated[
        Faults, typer.Option(help="Throttling, failed, repeated and timed-out calls and invocations, slow Glue.")
    ] = Faults.NONE,
    to: Annotated[
        To,
        typer.Option(
            help="How far: until the migration waits for the operator, through a cut-over under live writes, back "
            "again after as many writes to the destination as there are items (2,000 at most), to its completion, or "
            "to an abort."
        ),
    ] = To.READY,
    items_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, help="Your own items: DynamoDB JSON (an array, or lines), or the folder of an export to S3."
        ),
    ] = None,
    key: Annotated[
        str,
        typer.Option(
            help="Primary key: NAME:TYPE[,NAME:TYPE], such as pk:S,sk:N; or one or two of s (string), n (number), "
            "b (binary) for names of the rehearsal's own. The second sorts. With --app only for tables that the app "
            "imports both."
        ),
    ] = "sn",
    seed: Annotated[int | None, typer.Option(help="Same seed, same items and writes; by default a new one.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report to this file.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write a page with phases and charts, report.html, and report.json, into a folder below this one.",
        ),
    ] = None,
    keep_work_dir: Annotated[bool, typer.Option(help="Keep the work folder, with all logs.")] = False,
    plant_differences: Annotated[
        int, typer.Option(min=0, help="Make the destination differ in so many items before Verify, which repairs them.")
    ] = 0,
    plant: Annotated[PlantedFault | None, typer.Option(hidden=True)] = None,
) -> None:
    """Migrate a table on this machine, of hostile items or your own, and compare every item at the end.

    Nothing leaves the machine, and no AWS account is used. Exit code 0 only if both tables are equal.
    """
    require("rehearsal", "boto3", "rich", "pyspark", "psutil")
    _require_machine()
    # Imported here so that the other commands start quickly.
    from ddb_migration_construct.rehearsal.given_items import ItemsFileInvalid, read_given_items
    from ddb_migration_construct.rehearsal.key_shape import KeyShape
    from ddb_migration_construct.rehearsal.options import AS_THE_APP_SAYS, DIRECT, RehearsalOptions
    from ddb_migration_construct.rehearsal.run import rehearse as run

    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise CommandFailed(f"--json {json_file}: there is no folder {json_file.parent}; make it first")
    if plant_differences and app is not None:
        raise CommandFailed("--plant-differences is for the rehearsal's own app; leave one of the two out")
    try:
        shape = KeyShape.parse(key)
        # The key of an app's tables is known once they are deployed.
        given_items = read_given_items(items_file, shape) if items_file is not None and app is None else None
    except (ValueError, ItemsFileInvalid) as error:
        raise CommandFailed(str(error)) from error
    options = RehearsalOptions(
        items=items,
        writes_per_second=writes_per_second,
        mode=mode.value if mode is not None else DIRECT if app is None else AS_THE_APP_SAYS,
        key_shape=shape,
        seed=SystemRandom().randrange(_SEEDS) if seed is None else seed,
        json_file=json_file,
        report_folder=report,
        keep_work_dir=keep_work_dir,
        plant=plant.value if plant is not None else None,
        faults=faults.value,
        given_items=given_items,
        app=app,
        migration=migration,
        items_file=items_file,
        plant_differences=plant_differences,
        to=to.value,
    )
    raise typer.Exit(run(options))


def _require_machine() -> None:
    """Raise CommandFailed on Windows, or where Node or Java is missing, before anything is started."""
    if find_spec("fcntl") is None:
        raise CommandFailed("a rehearsal needs macOS or Linux; on Windows run it in WSL")
    from ddb_migration_construct.rehearsal.class_archive import java_home
    from ddb_migration_construct.toolchain import ToolNotFoundError, find_node

    try:
        find_node()
        java_home()
    except ToolNotFoundError as missing:
        raise CommandFailed(str(missing)) from missing
