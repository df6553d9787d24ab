"""Planning migrations: look, judge, compute, tell."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import typer

from ddb_migration.core.bill import Line, bill, money
from ddb_migration.core.checks import check
from ddb_migration.core.findings import Finding, stopping
from ddb_migration.core.plan import Fleet, Schedule, Traffic, schedule
from ddb_migration.core.setup import Setup
from ddb_migration_construct.cli import clients
from ddb_migration_construct.cli.failures import REFUSED
from ddb_migration_construct.cli.plan_look import Look, Wishes
from ddb_migration_construct.cli.plan_text import bill_text, findings_text, schedule_text
from ddb_migration_construct.cli.plan_traffic import Expected, read_traffic
from ddb_migration_construct.cli.price_list import Prices, read_prices

__all__ = ["Expected", "Pair", "Wishes", "plan_app", "plan_tables"]


@dataclass(frozen=True)
class Pair:
    """What is planned: a name for it, two tables by name or ARN, and the props."""

    name: str
    source: str
    destination: str
    wishes: Wishes


@dataclass(frozen=True)
class Computed:
    """What can be computed where both tables are there."""

    traffic: Traffic
    times: Schedule
    lines: tuple[Line, ...]
    prices: Prices


@dataclass(frozen=True)
class Plan:
    """A plan: findings, what could not be looked at, and the figures unless a table is missing.

    `accepted` are the codes of advised findings that shall not stop the run.
    """

    name: str
    setup: Setup
    findings: tuple[Finding, ...]
    accepted: Sequence[str]
    unseen: tuple[str, ...]
    computed: Computed | None

    @property
    def stops(self) -> bool:
        """Tell whether the migration would be refused, or would lose changes to time."""
        fits = self.computed is None or self.computed.times.fits
        return bool(stopping(self.findings, self.accepted)) or not fits

    def lines(self) -> list[str]:
        """Return the plan in words."""
        told = [self.name, *findings_text(self.findings, self.accepted, self.unseen)]
        if self.computed is not None:
            found = self.computed
            told += ["", *schedule_text(self.setup, found.traffic, found.times)]
            told += ["", *bill_text(found.lines, found.prices)]
        return told

    def values(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        stops = stopping(self.findings, self.accepted)
        findings = [
            {**asdict(finding), "required": finding.required, "accepted": finding not in stops}
            for finding in self.findings
        ]
        told = {"migration": self.name, "findings": findings, "unseen": list(self.unseen), "stops": self.stops}
        return told if self.computed is None else {**told, **_values(self.computed)}


def make_plan(client: Callable[[str], Any], pair: Pair, expected: Expected) -> Plan:
    """Plan one migration with clients by boto3's names of the services."""
    wishes, look = pair.wishes, Look(client)
    setup = look.at(pair.name, pair.source, pair.destination, wishes)
    computed = None
    if setup.source is not None and setup.destination is not None:
        traffic = read_traffic(client("cloudwatch"), setup.source, expected, look.clock())
        fleet = _fleet(wishes)
        times = schedule(setup, traffic, fleet)
        prices = read_prices(client("pricing"), setup.home.region)
        computed = Computed(traffic, times, bill(setup, traffic, fleet, times), prices)
    return Plan(pair.name, setup, tuple(check(setup)), wishes.accepted_findings, tuple(look.unseen), computed)


def _fleet(wishes: Wishes) -> Fleet:
    return Fleet(wishes.worker_type, wishes.max_workers, wishes.max_apply_concurrency, wishes.rollback_window_seconds)


def plan_tables(pairs: Sequence[Pair], expected: Expected, as_json: bool) -> None:
    """Plan migrations one after another and print each; leave with 3 where one of them would stop."""
    stops = False
    for pair in pairs:
        planned = make_plan(clients.client, pair, expected)
        typer.echo(json.dumps(planned.values()) if as_json else "\n".join(planned.lines()) + "\n")
        stops |= planned.stops
    if stops:
        raise typer.Exit(REFUSED)


def plan_app(command: str, migration: str | None, expected: Expected, as_json: bool) -> None:
    """Plan the migrations of an app, or the one that is named."""
    from ddb_migration_construct.cli.plan_app import pairs_of

    plan_tables([Pair(*one) for one in pairs_of(clients.client, command, migration)], expected, as_json)


def _values(found: Computed) -> dict[str, Any]:
    times = found.times
    return {
        "mode": times.mode,
        "phases": [asdict(figure) for figure in times.phases if math.isfinite(figure.value)],
        "apply": asdict(times.apply_rate),
        "traffic": asdict(found.traffic),
        "backlog": times.backlog,
        "oldest_seconds": times.oldest if math.isfinite(times.oldest) else None,
        "retention_seconds": times.retention,
        "fits": times.fits,
        "bill": [{**asdict(line), "usd": money(line, found.prices.known)} for line in found.lines],
        "prices": found.prices.missing or f"AWS Price List, read {time.strftime('%Y-%m-%d')}",
    }
