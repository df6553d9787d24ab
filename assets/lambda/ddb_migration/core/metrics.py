"""Metrics as CloudWatch takes them out of a log line: the Embedded Metric Format.

CloudWatch guide, "Specification: Embedded metric format": a log event that is one JSON object with `_aws`. It costs
no call and needs no right beyond that to write the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ddb_migration import names

SECONDS, COUNT = "Seconds", "Count"
UNITS: Mapping[str, str] = {
    names.METRIC_REPLICATION_LAG: SECONDS,
    names.METRIC_OLDEST_CHANGE_AGE: SECONDS,
    names.METRIC_CAPTURED: COUNT,
    names.METRIC_APPLIED: COUNT,
    names.METRIC_STALE: COUNT,
    names.METRIC_DISCARDED: COUNT,
    names.METRIC_PARKED: COUNT,
    names.METRIC_REREADS: COUNT,
    names.METRIC_THROTTLES: COUNT,
    names.METRIC_CHANGES_AFTER_CUT_OVER: COUNT,
}


def metric_line(migration: str, now: float, values: Mapping[str, float], reason: str | None = None) -> str:
    """Return the log line of these metrics of a migration, `now` being epoch seconds.

    With a `reason` they count under it and in all. Nothing but numbers and DynamoDB's own reasons gets in: raises
    KeyError for a metric that names.py does not have, ValueError for a value that is no number.
    """
    metrics = [{"Name": name, "Unit": UNITS[name]} for name in values]
    labels = {names.METRIC_DIMENSION: migration} | ({} if reason is None else {names.METRIC_REASON: reason})
    dimensions = [[names.METRIC_DIMENSION], *([] if reason is None else [list(labels)])]
    described = {"Namespace": names.METRIC_NAMESPACE, "Dimensions": dimensions, "Metrics": metrics}
    numbers = {name: round(float(value), 3) for name, value in values.items()}
    return json.dumps({"_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [described]}, **labels, **numbers})
