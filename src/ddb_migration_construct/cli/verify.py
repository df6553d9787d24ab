"""`ddb-migration verify`: compare both tables of a migration, item by item and in both directions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.control_table import read_record
from ddb_migration_construct.cli.failures import NEEDS_YOU, REFUSED, CommandFailed, is_passing
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, chosen, note, run
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.reports import Pass, excepted, standing
from ddb_migration_construct.cli.reread import send_rereads
from ddb_migration_construct.cli.waiting import wait

ALL = "100%"
_LOOK_SECONDS = 10.0
_ENDED_BADLY = ("FAILED", "TIMEOUT", "STOPPED", "ERROR", "EXPIRED")

Sleep = Callable[[float], None]


def verify(
    names: Names = None,
    stack: AllOf = None,
    sample: Annotated[
        str, typer.Option(help="The share of the keys to compare, such as 1%. A sample opens the gate by name only.")
    ] = ALL,
    repair: Annotated[
        bool, typer.Option("--repair", help="Have what differs read again from the source, and verify once more.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare both tables item by item, while writes go on, and tell what differs.

    A pass of its own beside what the migration has verified already. What is still changing is looked at until it
    agrees or stands still. Exit code 4 if items differ; the report says which: ddb-migration report.
    """
    clients = Clients(client("glue"), client("s3"), client("dynamodb"), client("lambda"))
    run(chosen(names, stack), lambda migration: verified(clients, migration, sample, repair), as_json)


@dataclass(frozen=True)
class Clients:
    """What a verify from the command line works with."""

    glue: Any
    s3: Any
    dynamodb: Any
    functions: Any


def verified(clients: Clients, migration: Migration, sample: str, repair: bool, sleep: Sleep = wait) -> Told:
    """Run a pass, with `repair` another one after what differs was read again, and return what the last one found."""
    report = _one_pass(clients, migration, sample, sleep)
    keys = [found["key"] for found in report["differences"] if found["kind"] != "extra"]
    if repair and keys:
        send_rereads(clients.functions, migration, keys)
        note(migration, f"{len(keys)} keys are read again; then both tables are compared once more")
        report = _one_pass(clients, migration, sample, sleep)
    return _told(migration, report)


def _one_pass(clients: Clients, migration: Migration, sample: str, sleep: Sleep) -> dict[str, Any]:
    record = read_record(clients.dynamodb, migration.control_table)
    epoch = record.epoch
    if epoch is None:
        raise CommandFailed(f"{migration.name} has not begun; start it: ddb-migration start {migration.name}", REFUSED)
    if record.trigger_enabled_at is None:
        raise CommandFailed(
            f"{migration.name} is still filling its destination, so there is nothing to compare yet; see how far it "
            f"is: ddb-migration status {migration.name} --watch",
            REFUSED,
        )
    # Letters, so that it is never taken for one of the migration's own passes, which have numbers.
    this = Pass(clients.s3, migration.bucket, epoch, time.strftime("by-hand-%Y%m%dT%H%M%SZ", time.gmtime()))
    arguments = {"--epoch": epoch, "--pass_id": this.pass_id, "--sample": sample}
    _follow(clients.glue, migration, _start(clients.glue, migration, arguments), this, sleep)
    report = this.report()
    if report is None:
        raise CommandFailed(f"the verify of {migration.name} ended without a report; look at its job's log")
    return report


def _start(glue: Any, migration: Migration, arguments: dict[str, str]) -> str:
    try:
        return str(glue.start_job_run(JobName=migration.verify_job, Arguments=arguments)["JobRunId"])
    except glue.exceptions.ConcurrentRunsExceededException as error:
        raise CommandFailed(f"{migration.name} is being verified already; wait for that to end", REFUSED) from error


def _follow(glue: Any, migration: Migration, run_id: str, this: Pass, sleep: Sleep) -> None:
    """Wait for a run's end, telling how far it is; raises CommandFailed when it ends otherwise than well."""
    said = ""
    while True:
        try:
            found = glue.get_job_run(JobName=migration.verify_job, RunId=run_id)["JobRun"]
            if found["JobRunState"] == "SUCCEEDED":
                return
            progress = f"verify {found['JobRunState'].lower()}{this.progress()}"
        except Exception as error:
            if not is_passing(error):
                raise
            found, progress = {}, f"AWS does not answer, and is asked again: {error}"
        if found.get("JobRunState") in _ENDED_BADLY:
            why = found.get("ErrorMessage") or found["JobRunState"]
            raise CommandFailed(f"the verify of {migration.name} ended without a result: {why}")
        if progress != said:
            said = progress
            note(migration, progress)
        sleep(_LOOK_SECONDS)


def _sampled(report: dict[str, Any]) -> str:
    share, name = report["sampled"], report["pass_id"]
    return f" A sample of {share:.2%} of the keys: it opens the gate by name only (cut-over --accept-sample {name})."


def _apart(report: dict[str, Any]) -> str:
    """Name the keys that may differ: to see the parked ones is what the operator does next."""
    keys = excepted(report)
    return f", but for {keys} parked or accepted (ddb-migration status --parked-keys)" if keys else ""


def _told(migration: Migration, report: dict[str, Any]) -> Told:
    left, items = standing(report), report["source"]["items"]
    share = "" if report["sampled"] is None else _sampled(report)
    if report["verdict"] == "equal":
        text = f"{migration.name}: equal; {items} items compared in both directions{_apart(report)}.{share}"
    else:
        text = (
            f"{migration.name}: {left} of {items} items differ.{share} Which ones, and how: ddb-migration report "
            f"{migration.name}; to put them right: ddb-migration verify {migration.name} --repair"
        )
    counts = {name: report["found"][name] for name in ("missing", "extra", "different", "in_motion", "unchecked")}
    counts["parked_or_accepted"] = excepted(report)
    values = {"verdict": report["verdict"], "pass": report["pass_id"], "items": items, "standing": left, **counts}
    return Told(text, {**values, "sampled": report["sampled"]}, 0 if report["verdict"] == "equal" else NEEDS_YOU)
