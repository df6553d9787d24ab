"""How a migration has gone over time, by the metrics that CloudWatch keeps of it; counts and times, no item."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.migrations import Migration

# CloudWatch guide, "Metrics retention": 60 s for 15 days, 300 s for 63 days, 3,600 s for 455 days.
_KEPT = ((15 * 86_400, 60), (63 * 86_400, 300), (455 * 86_400, 3600))
# More points than this nobody sees.
_MOST_POINTS = 300
_LINE, _BARS = "line", "bars"
_MAXIMUM, _SUM = "Maximum", "Sum"
_SEARCH = "throttles"
Points = list[tuple[float, float | None]]


@dataclass(frozen=True)
class Asked:
    """A metric: what it is called in the chart, where it is, and whether it is told as a rate."""

    name: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    is_rate: bool = False


@dataclass(frozen=True)
class Period:
    """The time asked about, in epoch seconds, and the seconds of one point."""

    began: float
    ended: float
    seconds: float


def read_over_time(cloudwatch: Any, migration: Migration, record: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Return the report's `over_time`, from the start of capture to the end of the epoch, or to `now`.

    An error of AWS is told in its `notes` and takes nothing but the charts away: the report has more to say.
    """
    # Imported here so that the other commands start quickly.
    from botocore.exceptions import BotoCoreError, ClientError

    period = period_of(float(record.get("captured_from") or now), float(record.get("completed_at") or now), now)
    told = over_time(period, _source(period), [], [])
    try:
        found = _read(cloudwatch, migration, period)
    except (BotoCoreError, ClientError) as error:
        right = " The right is cloudwatch:GetMetricData." if isinstance(error, ClientError) else ""
        return {**told, "notes": [f"CloudWatch gave nothing: {error}.{right}"]}
    return {**told, "charts": _charts(migration, found, period)}


def over_time(period: Period, source: str, charts: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> dict[str, Any]:
    """Return what the report tells of the time of a migration, as plain values: charts.py draws it."""
    span = {"from": period.began, "to": period.ended, "every_seconds": period.seconds}
    return {**span, "source": source, "notes": list(notes), "charts": list(charts)}


def period_of(began: float, ended: float, now: float) -> Period:
    """Return whole periods, as short as CloudWatch keeps them since then, and no more than can be seen."""
    kept = next((seconds for age, seconds in _KEPT if now - began < age), _KEPT[-1][1])
    seconds = kept * max(1, math.ceil((ended - began) / kept / _MOST_POINTS))
    first = math.floor(began / seconds) * seconds
    return Period(first, max(first + seconds, math.ceil(ended / seconds) * seconds), seconds)


def _source(period: Period) -> str:
    every = f"{period.seconds / 60:.0f} minutes" if period.seconds > 60 else "minute"
    return f"By CloudWatch, a point for each {every}."


def _asked(migration: Migration) -> Iterator[tuple[str, Asked]]:
    """Yield what is asked for, each with its id."""
    own = {names.METRIC_DIMENSION: migration.name}
    queue = {"QueueName": migration.change_queue.rpartition("/")[2]}
    yield "lag", Asked("lag", names.METRIC_NAMESPACE, names.METRIC_REPLICATION_LAG, own, _MAXIMUM)
    yield "backlog", Asked("backlog", "AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, _MAXIMUM)
    yield "captured", Asked("captured", names.METRIC_NAMESPACE, names.METRIC_CAPTURED, own, _SUM, is_rate=True)
    yield "applied", Asked("applied", names.METRIC_NAMESPACE, names.METRIC_APPLIED, own, _SUM, is_rate=True)
    if migration.has_destination_here:
        table = {"TableName": migration.tables[1]}
        yield "written", Asked("written", "AWS/DynamoDB", "ConsumedWriteCapacityUnits", table, _SUM, is_rate=True)
    yield "parked", Asked("parked keys", names.METRIC_NAMESPACE, names.METRIC_PARKED, own, _MAXIMUM)


def _read(cloudwatch: Any, migration: Migration, period: Period) -> dict[tuple[str, str], Points]:
    """Return the points by id and label; a search gives several labels."""
    found: dict[tuple[str, str], Points] = defaultdict(list)
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[*_queries(migration, period), _throttles(migration, period)],
        StartTime=_moment(period.began),
        EndTime=_moment(period.ended),
        ScanBy="TimestampAscending",
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            times = (at.timestamp() for at in result["Timestamps"])
            found[result["Id"], result["Label"]] += zip(times, result["Values"], strict=True)
    return found


def _queries(migration: Migration, period: Period) -> Iterator[dict[str, Any]]:
    for id, one in _asked(migration):
        dimensions = [{"Name": name, "Value": value} for name, value in one.dimensions.items()]
        metric = {"Namespace": one.namespace, "MetricName": one.metric, "Dimensions": dimensions}
        stat = {"Metric": metric, "Period": period.seconds, "Stat": one.statistic}
        yield {"Id": id, "Label": one.name, "MetricStat": stat}


def _throttles(migration: Migration, period: Period) -> dict[str, Any]:
    """Ask for the throttled calls by reason, whichever there are (CloudWatch guide, "Using dynamic labels")."""
    schema = f"{{{names.METRIC_NAMESPACE},{names.METRIC_DIMENSION},{names.METRIC_REASON}}}"
    wanted = f'MetricName="{names.METRIC_THROTTLES}" {names.METRIC_DIMENSION}="{migration.name}"'
    label = f"${{PROP('Dim.{names.METRIC_REASON}')}}"
    return {"Id": _SEARCH, "Label": label, "Expression": f"SEARCH('{schema} {wanted}', '{_SUM}', {period.seconds})"}


def _charts(migration: Migration, found: Mapping[tuple[str, str], Points], period: Period) -> list[dict[str, Any]]:
    asked = dict(_asked(migration))

    def series(*ids: str) -> list[dict[str, Any]]:
        given = [(asked[id], found.get((id, asked[id].name), [])) for id in ids if id in asked]
        return [{"name": one.name, "points": _filled(points, one, period)} for one, points in given]

    throttled = [{"name": label, "points": points} for (id, label), points in found.items() if id == _SEARCH]
    written = [chart("Writes of the destination", "units a second", series("written"))] if "written" in asked else []
    return [
        chart("Lag", "s", series("lag")),
        chart("Backlog", "messages", series("backlog")),
        chart("Changes", "a second", series("captured", "applied")),
        *written,
        chart("Throttled calls", "", throttled, _BARS),
        chart("Parked keys", "", series("parked")),
    ]


def chart(title: str, unit: str, series: Sequence[Mapping[str, Any]], form: str = _LINE) -> dict[str, Any]:
    """Return a chart as plain values: charts.py tells of them."""
    return {"title": title, "unit": unit, "form": form, "series": list(series)}


def _filled(points: Points, one: Asked, period: Period) -> Points:
    """Put the points into whole periods: of what is counted silence is zero, of anything else it is a gap."""
    told = dict(points)
    counted = one.statistic == _SUM
    rate = 1 / period.seconds if one.is_rate else 1.0
    times = (period.began + number * period.seconds for number in range(_count(period)))
    silence = 0.0 if counted else None
    values = ((at, told.get(at, silence)) for at in times)
    return [(at, None if value is None else round(value * rate, 3)) for at, value in values] if told else []


def _count(period: Period) -> int:
    return round((period.ended - period.began) / period.seconds)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, timezone.utc)
