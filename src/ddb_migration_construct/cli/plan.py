"""`ddb-migration plan`: what a migration would find, take and cost, before anything is deployed."""

from __future__ import annotations

from typing import Annotated

import typer

from ddb_migration_construct._runtime_code import make_importable
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.frame import AsJson


def plan(
    source: Annotated[str | None, typer.Option(help="The source: a table's name or ARN.")] = None,
    destination: Annotated[str | None, typer.Option(help="The destination: a table's name or ARN.")] = None,
    app: Annotated[
        str | None,
        typer.Option(help='Plan the migrations of your CDK app, by the command that synthesises it: "python app.py".'),
    ] = None,
    migration: Annotated[
        str | None, typer.Option(help="With --app: the one to plan, as <StackName>/<ConstructId>.")
    ] = None,
    size_threshold: Annotated[float, typer.Option(min=0, help="In GiB, as the prop size_threshold.")] = 80,
    change_retention: Annotated[float, typer.Option(min=1, max=14, help="In days, as the prop.")] = 14,
    max_read_units_per_second: Annotated[float | None, typer.Option(min=1, help="As the prop.")] = None,
    max_write_units_per_second: Annotated[float | None, typer.Option(min=1, help="As the prop.")] = None,
    worker_type: Annotated[str, typer.Option(help="As the prop.")] = "G.1X",
    max_workers: Annotated[int, typer.Option(min=2, max=299, help="As the prop.")] = 4,
    max_apply_concurrency: Annotated[int, typer.Option(min=2, max=1000, help="As the prop.")] = 100,
    fence_source_writes: Annotated[
        bool, typer.Option("--fence-source-writes", help="As the prop; --rollback-window asks for it.")
    ] = False,
    rollback_window: Annotated[
        float | None, typer.Option(min=1, max=168, help="In hours, as the prop: adds what the way back costs.")
    ] = None,
    accepted_findings: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE", help="As the prop: an advised finding that shall not stop the run.", show_default=False
        ),
    ] = None,
    changes_per_second: Annotated[
        float | None, typer.Option(min=0, help="Writes to the source; by default what CloudWatch has of last week.")
    ] = None,
    hottest_key_changes_per_second: Annotated[
        float | None, typer.Option(min=0, help="Writes to its hottest key; by default a tenth of all.")
    ] = None,
    days_in_step: Annotated[float, typer.Option(min=0, help="Days between the drain and the cut-over.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Plan a migration from two tables, or from your CDK app, by your own rights to read.

    Nothing is changed. Ends with 3 where SetupCheck would refuse to start, be it for a required finding or for an
    advised one that is not accepted, or where changes could not wait so long.
    """
    make_importable()
    from ddb_migration_construct.cli import planning

    expected = planning.Expected(changes_per_second, hottest_key_changes_per_second, days_in_step)
    if app is not None:
        planning.plan_app(app, migration, expected, as_json)
        return
    if not (source and destination):
        raise CommandFailed("name two tables, --source and --destination, or your app: --app 'python app.py'")
    wishes = planning.Wishes(
        accepted_findings=_advised(accepted_findings or []),
        size_threshold_bytes=int(size_threshold * 2**30),
        change_retention_seconds=change_retention * 86_400,
        max_read_units_per_second=max_read_units_per_second,
        max_write_units_per_second=max_write_units_per_second,
        worker_type=worker_type,
        max_workers=max_workers,
        max_apply_concurrency=max_apply_concurrency,
        fence_source_writes=fence_source_writes,
        rollback_window_seconds=None if rollback_window is None else rollback_window * 3600,
    )
    planning.plan_tables([planning.Pair(f"{source} to {destination}", source, destination, wishes)], expected, as_json)


def _advised(codes: list[str]) -> tuple[str, ...]:
    from ddb_migration.names import ADVISED_FINDINGS

    for code in codes:
        if code not in ADVISED_FINDINGS:
            advised = ", ".join(ADVISED_FINDINGS)
            raise CommandFailed(f"--accepted-findings {code}: that is no advised finding; those are {advised}")
    return tuple(codes)
