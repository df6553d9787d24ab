"""The report of a rehearsal in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ddb_migration_construct.rehearsal.comparison import Comparison, Difference
from ddb_migration_construct.rehearsal.limits import LIMITS
from ddb_migration_construct.rehearsal.verdict import Differences, Failure, Findings, overall

_CAUSE_CHARACTERS = 3000
_NAMES = 8
_NAME_CHARACTERS = 24


def report_lines(rehearsals: Sequence[Findings], left_out: Sequence[str] = ()) -> Iterator[str]:
    """Yield the report line by line: what the run cannot show first, the verdicts last, where the eye ends."""
    yield "What this run cannot show about AWS:"
    yield from (f"  - {limit}" for limit in LIMITS)
    if left_out:
        yield ""
        yield f"Left out of your app, because no rehearsed migration needs it ({len(left_out)} resources):"
        yield from (f"  - {resource}" for resource in left_out)
    for findings in rehearsals:
        yield ""
        yield from _rehearsal(findings)
        if len(rehearsals) > 1:
            yield f"  verdict of {_title(findings)}: {findings.verdict}"
    yield f"Verdict: {overall(rehearsals)} (seed {rehearsals[0].seed})"


def _title(findings: Findings) -> str:
    return findings.mode if findings.migration is None else f"{findings.migration}, {findings.mode}"


def _rehearsal(findings: Findings) -> Iterator[str]:
    yield f"Bulk load {findings.mode}:" if findings.migration is None else f"Migration {_title(findings)}:"
    yield from _figures(findings)
    yield from (f"  made: {table}" for table in findings.made)
    if findings.planted is not None:
        yield f"  planted: {findings.planted}"
    if findings.faults:
        yield "  injected: " + ", ".join(f"{kind} {count}" for kind, count in sorted(findings.faults.items()))
    yield from (f"  note: {note}" for note in findings.notes)
    if findings.differences is not None:
        yield from _differences(findings.differences)
    for what, figures in (("cut over", findings.cut_over), ("rolled back", findings.roll_back)):
        if figures is not None:
            yield (
                f"  {what} {figures.form} after {figures.writes} writes: lost {figures.lost}, "
                f"refused during the fence {figures.refused}, fence {figures.fence_seconds:.1f} s"
            )
    yield from (f"  left behind: {left}" for left in findings.left_behind or ())
    if findings.comparison is not None:
        yield from _comparison(findings.comparison)
    if findings.failure is not None:
        yield from _failure(findings.failure)


def _figures(findings: Findings) -> Iterator[str]:
    counts = {"writes": findings.writes, **findings.counts}
    yield "  " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
    yield "  " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in findings.phases.items())


def _differences(found: Differences) -> Iterator[str]:
    yield (
        f"  verify: {found.planted} differences planted, {found.found} found, {found.repaired} repaired, "
        f"{found.invented} invented" + (f"; verified again: {found.again}" if found.again else "")
    )


def _comparison(comparison: Comparison) -> Iterator[str]:
    yield f"  source {comparison.source_items} items, destination {comparison.destination_items} items"
    if not comparison.equal:
        yield f"  missing {comparison.missing}, extra {comparison.extra}, different {comparison.different}:"
        yield from (f"    {_difference(difference)}" for difference in comparison.differences)


def _difference(difference: Difference) -> str:
    names = [ascii(name[:_NAME_CHARACTERS]) for name in difference.attributes[:_NAMES]]
    more = ["..."] if len(difference.attributes) > _NAMES else []
    return f"key {difference.key_hash}: {difference.kind}" + (f" in {', '.join(names + more)}" if names else "")


def _message(cause: str) -> str:
    """Return the message inside a cause that Step Functions gives as JSON: of a function, or of a job run."""
    try:
        fields = json.loads(cause)
        return str(fields.get("errorMessage") or fields.get("ErrorMessage") or cause)
    except (ValueError, AttributeError):
        return cause


def _failure(failure: Failure) -> Iterator[str]:
    yield f"  {failure.error}:"
    yield from (f"    {line}" for line in _message(failure.cause)[-_CAUSE_CHARACTERS:].splitlines())
    yield from (f"  missing permission: {denial}" for denial in failure.denials)
