"""The page of a rehearsal: the report of its migration, with what the rehearsal found and saw over time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration_construct._runtime import report_page
from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.report import folder_name, gathered, written
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.limits import LIMITS
from ddb_migration_construct.rehearsal.sampling import Sample, drawn
from ddb_migration_construct.rehearsal.verdict import EQUAL, Findings

_CAUSE_CHARACTERS = 1000
_SENTENCES = {
    "equal": "The rehearsal compared every item of both tables at the end, by itself.",
    "different": "The rehearsal compared every item at the end, and the tables differ.",
    "failed": "The rehearsal did not come to its end, or something was not as it has to be.",
}


def write_page(folder: Path, deployed: Deployed, findings: Findings, samples: Sequence[Sample]) -> Path:
    """Write the page and its JSON into the rehearsal's own folder below `folder`, and return where the page is.

    Raises CommandFailed when nothing can be written there.
    """
    told = {**_report(deployed), "over_time": drawn(samples), "rehearsal": findings.as_json()}
    name = findings.mode if findings.migration is None else f"{folder_name(findings.migration)}-{findings.mode}"
    page, _ = written(folder / name, told, section(findings))
    return page


def _report(deployed: Deployed) -> dict[str, Any]:
    """Return the migration's report; one that failed before its first epoch, or is gone, has none."""
    migration = deployed.migration
    try:
        return gathered(deployed.dynamodb, deployed.client("s3"), migration, time.time())
    except (BotoCoreError, ClientError, CommandFailed):
        return {"migration": migration.name, "written_at": time.time(), "verify": None}


def section(findings: Findings) -> str:
    """Return what the rehearsal found, as a section of the page."""
    colour = "good" if findings.verdict == EQUAL else "bad"
    word = findings.verdict.capitalize()
    lead = f'<p class="verdict {colour}"><strong>{word}</strong> {_SENTENCES[findings.verdict]}</p>'
    limits = "".join(f"<li>{report_page.text(limit)}</li>" for limit in LIMITS)
    shown = f"<details><summary>What a rehearsal cannot show about AWS</summary><ul>{limits}</ul></details>"
    return str(
        report_page.section("Rehearsal", lead + _failure(findings) + report_page.figures(_figures(findings)) + shown)
    )


def _failure(findings: Findings) -> str:
    return "".join(f"<p>{report_page.text(why)}</p>" for why in _reasons(findings))


def _reasons(findings: Findings) -> Iterator[str]:
    """Yield why a rehearsal did not end well, but for the differences, which its figures count."""
    if findings.failure is not None:
        yield f"{findings.failure.error}: {findings.failure.cause[:_CAUSE_CHARACTERS]}"
    found = findings.differences
    if found is not None and not found.is_right:
        again = f"; verified again: {found.again}" if found.again else ""
        yield (
            f"Verify was wrong: {found.planted} differences were planted, {found.found} found, {found.repaired} "
            f"repaired, {found.invented} invented{again}."
        )
    for left in findings.left_behind or ():
        yield f"Left behind, though the migration has ended: {left}"


def _figures(findings: Findings) -> Iterator[tuple[str, str]]:
    yield "Bulk load", findings.mode
    yield "Live writes", f"{findings.writes:,}"
    if findings.comparison is not None:
        yield "Items, source", f"{findings.comparison.source_items:,}"
        yield "Items, destination", f"{findings.comparison.destination_items:,}"
        yield "Missing, extra, different", f"{findings.comparison.unequal:,}"
    for what, switch in (("Cut-over", findings.cut_over), ("Roll back", findings.roll_back)):
        if switch is not None:
            yield f"{what}: lost", f"{switch.lost:,}"
            yield f"{what}: fence", f"{switch.fence_seconds:.1f} s"
            yield f"{what}: writes refused", f"{switch.refused:,}"
    yield "Faults injected", f"{sum(findings.faults.values()):,}"
    yield "Seed", str(findings.seed)
