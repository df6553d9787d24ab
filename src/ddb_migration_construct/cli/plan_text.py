"""A plan in words."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence

from ddb_migration.core.bill import Line, money, total
from ddb_migration.core.findings import Finding, stopping
from ddb_migration.core.plan import Schedule, Traffic, tables
from ddb_migration.core.setup import Setup
from ddb_migration_construct.cli.price_list import Prices

_HOUR, _DAY = 3600, 86_400
_GIB = 2**30


def findings_text(findings: Sequence[Finding], accepted: Sequence[str], unseen: Sequence[str]) -> Iterator[str]:
    """Yield what SetupCheck would find, what of it is accepted, and what could not be looked at."""
    stops = stopping(findings, accepted)
    if not stops:
        yield "findings   none"
    for number, finding in enumerate(stops, 1):
        yield f"finding {number}  {finding}"
    for finding in findings:
        if finding not in stops:
            yield f"accepted   [{finding.code}] {finding.found}"
    for denied in unseen:
        yield f"not seen   {denied}"
    yield "not looked at: the roles of functions and jobs, which SetupCheck probes once they are deployed"


def schedule_text(setup: Setup, traffic: Traffic, times: Schedule) -> Iterator[str]:
    """Yield mode, size, phases, and whether changes can wait so long."""
    source, _ = tables(setup)
    how = "an export to S3" if setup.is_large else "a consistent Scan"
    yield f"mode       {times.mode}: {how}"
    yield (
        f"size       {_size(source.size_bytes)} in {source.item_count:,} items (TableSizeBytes, ItemCount; "
        "up to six hours old)"
    )
    yield f"changes    {traffic.busiest.value:,.1f} a second ({traffic.busiest.source})"
    yield ""
    phases = [(figure.name, duration(figure.value), figure.source) for figure in times.phases]
    whole = ("in all", duration(sum(figure.value for figure in times.phases)), "at the least, to ReadyToCutOver")
    yield from _columns([("PHASE", "TAKES", "FROM"), *phases, whole])
    yield ""
    yield f"backlog    {times.backlog:,.0f} changes when apply begins"
    yield f"apply      {times.apply_rate.value:,.0f} changes a second ({times.apply_rate.source})"
    yield f"waits      {_waits(times)}"
    yield f"in step    {traffic.days_in_step.value:g} days from the drain to cut-over ({traffic.days_in_step.source})"


def bill_text(lines: Sequence[Line], prices: Prices) -> Iterator[str]:
    """Yield the bill, line by line, in units and where prices are known in money."""
    rows = [(line.name, amount(line.amount), line.unit, _cost(line, prices.known), line.source) for line in lines]
    table = [("BILL", "AMOUNT", "UNIT", "USD", "FROM"), *rows]
    # Without any price the column would say nothing.
    yield from _columns(table if prices.known else [(*row[:3], row[4]) for row in table], right=("AMOUNT", "USD"))
    whole = total(tuple(lines), prices.known)
    if whole is not None:
        yield f"total      {whole.value:,.2f} USD at list prices, without free allowances, taxes and discounts"
    if prices.missing:
        yield f"money      {prices.missing}"


def _size(size: int) -> str:
    return f"{size / _GIB:,.2f} GiB" if size >= _GIB / 10 else f"{size:,} bytes"


def amount(value: float) -> str:
    """Return an amount, with decimals where it is small."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"


def duration(seconds: float) -> str:
    """Return a time in the unit that reads best."""
    if math.isinf(seconds):
        return "no end"
    for size, unit in ((_DAY, "days"), (_HOUR, "h"), (60, "min")):
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _waits(times: Schedule) -> str:
    if math.isinf(times.oldest):
        return (
            "changes come faster than they can be applied: give the destination more write capacity, or raise "
            "max_apply_concurrency"
        )
    told = f"the oldest change up to {duration(times.oldest)}; change_retention is {duration(times.retention)}"
    if times.fits:
        return f"{told}: fits"
    return f"{told}: DOES NOT FIT; make the bulk load faster, or the backlog smaller"


def _cost(line: Line, prices: Mapping[str, float]) -> str:
    cost = money(line, prices)
    return "?" if cost is None else f"{cost:,.2f}"


def _columns(rows: Sequence[tuple[str, ...]], right: Container[str] = ()) -> Iterator[str]:
    """Yield rows in columns; those whose heading is in `right` end at the same place."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = zip(row, widths, rows[0], strict=True)
        yield "  ".join(cell.rjust(width) if of in right else cell.ljust(width) for cell, width, of in cells).rstrip()
