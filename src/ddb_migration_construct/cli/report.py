"""`ddb-migration report`: what a migration has done and proved, as JSON and as a page."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ddb_migration_construct._runtime import report_page, run_report
from ddb_migration_construct.cli import charts
from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.control_table import REVERSE_EPOCH_SUFFIX, read_rows, read_values
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, chosen, run
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.over_time import read_over_time
from ddb_migration_construct.cli.reports import Pass


def report(
    names: Names = None,
    stack: AllOf = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to; made if need be.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Write a migration's report: report.json, and report.html, a page that needs no network.

    Phases, the gate's reasons, counts, segments, changed keys, the keys that differ with the names of the attributes
    that do, and charts of lag, backlog, rates and throttling by CloudWatch's metrics. No item value is in it. Of
    several migrations each has a folder of its own.
    """
    concerned = chosen(names, stack)
    dynamodb, s3, cloudwatch = client("dynamodb"), client("s3"), client("cloudwatch")

    def act(migration: Migration) -> Told:
        folder, now = (out if len(concerned) == 1 else out / folder_name(migration.name)), time.time()
        found = gathered(dynamodb, s3, migration, now)
        over_time = read_over_time(cloudwatch, migration, read_values(dynamodb, migration.control_table), now)
        page, values = written(folder, {**found, "over_time": over_time})
        return Told(f"{migration.name}: {page} and {values}", {"page": str(page), "report": str(values)})

    run(concerned, act, as_json)


def gathered(dynamodb: Any, s3: Any, migration: Migration, now: float) -> dict[str, Any]:
    """Return the report as it is now; raises CommandFailed before the first epoch."""
    table = migration.control_table
    record = read_values(dynamodb, table)
    epoch = record.get("epoch")
    if epoch is None:
        raise CommandFailed(f"{migration.name} has not begun; start it: ddb-migration start {migration.name}", REFUSED)
    this = Pass(s3, migration.bucket, epoch, str(record.get("verify_pass")))
    found: dict[str, Any] = run_report.run_report(
        migration.name,
        record,
        this.report() if record.get("verify_pass") else None,
        _told(dynamodb, table, epoch),
        _told(dynamodb, table, epoch + REVERSE_EPOCH_SUFFIX),
        now,
    )
    return found


def _told(dynamodb: Any, table: str, epoch: str) -> run_report.Told:
    rows = list(read_rows(dynamodb, table, f"changed#{epoch}"))
    rounds = [json.loads(row["told"]) for row in rows if "told" in row]
    suspects = [suspect for row in rows if "round" in row for suspect in json.loads(row["round"])["suspects"]]
    gate = next(iter(read_rows(dynamodb, table, f"gate#{epoch}")), None)
    stuck = [suspect["key"] for suspect in suspects if suspect["judgements"]]
    late = list(read_rows(dynamodb, table, f"late#{epoch}"))
    return run_report.Told(rounds, stuck, json.loads(gate["told"]) if gate else None, late)


def folder_name(name: str) -> str:
    """Return a migration's name as that of a folder."""
    return name.replace("/", "-")


def written(folder: Path, found: dict[str, Any], first: str = "") -> tuple[Path, Path]:
    """Write a report as a page, with a section before all others if there is one, and as JSON; return where they are.

    Raises CommandFailed when the folder takes no files.
    """
    page, values = folder / "report.html", folder / "report.json"
    drawn = charts.section(found.get("over_time"), found.get("phases") or ())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        values.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        page.write_text(report_page.page(found, first, drawn, charts.STYLE), "utf-8")
    except OSError as error:
        raise CommandFailed(f"the report of {found['migration']} cannot be written: {error}") from error
    return page, values
