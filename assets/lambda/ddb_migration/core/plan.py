"""The plan of a migration: how long each phase takes, whether changes can wait so long, and where each figure is from.

A floor for what AWS limits, an assumption for what AWS does not tell; each says which. The bill is in core/bill.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ddb_migration import names
from ddb_migration.core.forecast import (
    READ_UNIT_BYTES,
    WRITE_UNIT_BYTES,
    forecast_seconds,
    write_rate,
    writes_at_once,
)
from ddb_migration.core.lag import QUIET_SECONDS
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table

# The states' own waits: assets/lambda/enable_trigger, settle.py and barrier.py.
SETTLE_SECONDS, BARRIER_SECONDS = 300, 120
# Assumptions, each named where it is used.
GLUE_START_SECONDS = 120
EXPORT_START_SECONDS, EXPORT_BYTES_PER_SECOND = 600, 250e6
MESSAGES_OF_AN_INVOCATION, SECONDS_OF_AN_INVOCATION = 10, 0.1
# Of a change: its watermark, and the entry of the index of changed keys, taken away and made anew (DynamoDB guide,
# "Using Global Secondary Indexes", provisioned throughput). An index has a capacity of its own.
WATERMARK_UNITS, WATERMARK_INDEX_UNITS = 3, 2
# DynamoDB quotas, per table on demand; a new table takes 4,000 at once and twice as much every 30 minutes of use.
MOST_ON_DEMAND_WRITES = 40_000
KEY_MESSAGES_PER_SECOND, KEY_APPLIED_PER_SECOND = 1.0, 20.0


@dataclass(frozen=True)
class Figure:
    """One figure of the plan: what it is of, its value, its unit, and where it is from."""

    name: str
    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class Traffic:
    """What is written to the source meanwhile, in changes a second; `days_in_step` is from the drain to cut-over.

    `busiest` decides the times, `mean` the bill.
    """

    busiest: Figure
    mean: Figure
    hottest_key: Figure
    days_in_step: Figure


@dataclass(frozen=True)
class Fleet:
    """What does the work, and for how long after the cut-over it can be undone: the props of the same names."""

    worker_type: str = "G.1X"
    max_workers: int = 4
    max_apply_concurrency: int = 100
    rollback_window_seconds: float | None = None


@dataclass(frozen=True)
class Schedule:
    """The phases in seconds, in their order; what holds changes up; and whether they can wait so long.

    `drain` is infinite where changes come faster than they can be applied.
    """

    mode: str
    phases: tuple[Figure, ...]
    waiting: float
    apply_rate: Figure
    backlog: float
    drain: float
    oldest: float
    retention: float

    @property
    def fits(self) -> bool:
        """Tell whether even the oldest change, applied last, is applied before it expires."""
        return self.oldest <= self.retention

    def seconds(self, phase: str) -> float:
        """Return how long a phase takes."""
        return next(figure.value for figure in self.phases if figure.name == phase)


def schedule(setup: Setup, traffic: Traffic, fleet: Fleet) -> Schedule:
    """Return the schedule of a migration between two tables that are there."""
    source, destination = tables(setup)
    before = _before_apply(setup, source)
    waiting = sum(figure.value for figure in before)
    apply_rate = _apply_rate(setup, destination, fleet)
    backlog = traffic.busiest.value * waiting
    drain = _drain(traffic, waiting, apply_rate.value, backlog)
    after = (_drain_figure(drain, traffic), _verify(setup, source), *_way_back(fleet))
    return Schedule(
        mode=names.LARGE if setup.is_large else names.DIRECT,
        phases=(*before, *after),
        waiting=waiting,
        apply_rate=apply_rate,
        backlog=backlog,
        drain=drain,
        oldest=waiting + drain,
        retention=setup.retention_seconds,
    )


def tables(setup: Setup) -> tuple[Table, Table]:
    """Return both tables; raises ValueError where one is missing, as there is nothing to plan."""
    if setup.source is None or setup.destination is None:
        raise ValueError("a plan needs both tables")
    return setup.source, setup.destination


def item_units(source: Table) -> int:
    """Return the write units of an average item."""
    average = source.size_bytes / source.item_count if source.item_count else 0
    return max(1, math.ceil(average / WRITE_UNIT_BYTES))


def _before_apply(setup: Setup, source: Table) -> tuple[Figure, ...]:
    settle = _seconds("Settle", SETTLE_SECONDS, "the migration's own wait")
    start = _seconds("Glue start", GLUE_START_SECONDS, "assumption")
    barrier = _seconds("Barrier", BARRIER_SECONDS, "the migration's own wait")
    load = _seconds("Bulk load", forecast_seconds(setup), _load_source(setup))
    export = (_export(source),) if setup.is_large else ()
    return (settle, *export, start, load, barrier)


def _export(source: Table) -> Figure:
    taken = EXPORT_START_SECONDS + source.size_bytes / EXPORT_BYTES_PER_SECOND
    return _seconds("Export", taken, "assumption: 10 min and 250 MB/s; AWS promises no time")


def _load_source(setup: Setup) -> str:
    writes = f"writes at {write_rate(setup):,.0f} units/s ({_limit_of_writes(setup)})"
    if setup.is_large:
        return f"TableSizeBytes, ItemCount; {writes}"
    return f"TableSizeBytes, ItemCount; the slower of a consistent Scan at {setup.read_units:,.0f} units/s and {writes}"


def _limit_of_writes(setup: Setup) -> str:
    _, destination = tables(setup)
    if setup.write_units and setup.write_units <= writes_at_once(destination):
        return "max_write_units_per_second"
    if destination.provisioned_writes:
        return "ProvisionedThroughput of the destination"
    if writes_at_once(destination) == destination.most_writes:
        return "MaxWriteRequestUnits of the destination"
    return "WarmThroughput of the destination" if destination.warm_writes else "what a new table takes on demand"


def _apply_rate(setup: Setup, destination: Table, fleet: Fleet) -> Figure:
    source, _ = tables(setup)
    copies = 1 + len(destination.local_indexes)
    invocations = fleet.max_apply_concurrency * MESSAGES_OF_AN_INVOCATION / SECONDS_OF_AN_INVOCATION
    rates = {
        f"assumption: {SECONDS_OF_AN_INVOCATION:g} s for {MESSAGES_OF_AN_INVOCATION} messages, "
        f"{fleet.max_apply_concurrency} side by side": invocations,
        _limit_of_writes(setup): writes_at_once(destination) / (item_units(source) * copies),
        "watermarks: the quota of a table on demand, reached within two hours": MOST_ON_DEMAND_WRITES
        / WATERMARK_INDEX_UNITS,
    }
    limit = min(rates, key=lambda name: rates[name])
    return Figure("apply", rates[limit], "changes/s", limit)


def _drain(traffic: Traffic, waiting: float, rate: float, backlog: float) -> float:
    incoming = traffic.busiest.value
    if incoming >= rate:
        return math.inf
    # Of one key, StreamProcessor sends only the newest change of a batch, and WriteCdc applies one after another.
    hottest = min(traffic.hottest_key.value, KEY_MESSAGES_PER_SECOND)
    of_one_key = hottest * waiting / (KEY_APPLIED_PER_SECOND - hottest)
    return max(backlog / (rate - incoming), of_one_key) + QUIET_SECONDS


def _drain_figure(drain: float, traffic: Traffic) -> Figure:
    told = f"backlog by {traffic.busiest.source}; the hottest key: {traffic.hottest_key.source}; then 5 min of quiet"
    return _seconds("Drain", drain, told)


def _verify(setup: Setup, source: Table) -> Figure:
    # Both sides at the same rate, and the destination then holds what the source holds.
    taken = GLUE_START_SECONDS + verify_units(source) / setup.read_units
    return _seconds("Verify", taken, f"both tables read side by side, each at {setup.read_units:,.0f} units/s")


def _way_back(fleet: Fleet) -> tuple[Figure, ...]:
    if fleet.rollback_window_seconds is None:
        return ()
    return (_seconds("Way back", SETTLE_SECONDS, "the migration's own wait, with both ways captured"),)


def read_units(table: Table) -> int:
    """Return the read units of reading a table once, consistently."""
    return math.ceil(table.size_bytes / READ_UNIT_BYTES)


def verify_units(table: Table) -> float:
    """Return the read units of reading a table once for verify, which reads at half the price (see verify_task.py)."""
    return read_units(table) / 2


def _seconds(name: str, value: float, source: str) -> Figure:
    return Figure(name, value, "s", source)
