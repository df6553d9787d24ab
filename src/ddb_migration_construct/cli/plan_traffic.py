"""How much is written to the source: as the caller says, or as CloudWatch has it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.aws.probe import DENIED
from ddb_migration.core.bill import units_text
from ddb_migration.core.plan import Figure, Traffic, item_units
from ddb_migration.core.table import Table

_DAYS, _HOUR = 7, 3600
_SHARE_OF_HOTTEST = 0.1
_UNIT = "changes/s"


@dataclass(frozen=True)
class Expected:
    """What the caller expects, None where CloudWatch shall tell; `days_in_step` is from the drain to cut-over."""

    changes_per_second: float | None = None
    hottest_key_changes_per_second: float | None = None
    days_in_step: float = 3


def read_traffic(cloudwatch: Any, source: Table, expected: Expected, now: float) -> Traffic:
    """Return the traffic of a source; no writes, saying so, where neither the caller nor CloudWatch knows any."""
    busiest, mean = _changes(cloudwatch, source, expected, now)
    given = expected.hottest_key_changes_per_second
    hottest = busiest.value * _SHARE_OF_HOTTEST if given is None else given
    told = "assumption: a tenth of all changes" if given is None else "--hottest-key-changes-per-second"
    return Traffic(
        busiest=busiest,
        mean=mean,
        hottest_key=Figure("hottest key", hottest, _UNIT, told),
        days_in_step=Figure("in step", expected.days_in_step, "days", "--days-in-step"),
    )


def _changes(cloudwatch: Any, source: Table, expected: Expected, now: float) -> tuple[Figure, Figure]:
    if expected.changes_per_second is not None:
        given = Figure("changes", expected.changes_per_second, _UNIT, "--changes-per-second")
        return given, given
    try:
        sums = _hourly_units(cloudwatch, source.name, now)
    except ClientError as error:
        if code(error) not in DENIED:
            raise
        unknown = Figure("changes", 0.0, _UNIT, "unknown, CloudWatch is denied; give --changes-per-second")
        return unknown, unknown
    units = item_units(source) * (1 + len(source.local_indexes))
    told = f"ConsumedWriteCapacityUnits of {_DAYS} days, {units_text(units)} an item"
    if not sums:
        told = f"CloudWatch has no writes of the last {_DAYS} days"
    busiest = max(sums, default=0.0) / _HOUR / units
    mean = sum(sums) / (_DAYS * 24 * _HOUR) / units
    return (
        Figure("busiest hour", busiest, _UNIT, f"busiest hour: {told}"),
        Figure("mean", mean, _UNIT, f"mean: {told}"),
    )


def _hourly_units(cloudwatch: Any, table: str, now: float) -> list[float]:
    """Return the write units of each hour; an hour in which nothing was written is not there."""
    end = datetime.datetime.fromtimestamp(now, datetime.timezone.utc)
    answer = cloudwatch.get_metric_statistics(
        Namespace="AWS/DynamoDB",
        MetricName="ConsumedWriteCapacityUnits",
        Dimensions=[{"Name": "TableName", "Value": table}],
        StartTime=end - datetime.timedelta(days=_DAYS),
        EndTime=end,
        Period=_HOUR,
        Statistics=["Sum"],
    )
    return [float(point["Sum"]) for point in answer["Datapoints"]]
