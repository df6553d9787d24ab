"""The throttling of a job's calls as metrics, put by a call of their own.

Functions print their metrics (see `metrics`). A job cannot: the Embedded Metric Format needs a log event that is one
JSON object and nothing else, and what a task prints reaches CloudWatch Logs by way of Spark and of Glue, which say
nothing of one event for each line (Glue Developer Guide, "Logging for AWS Glue jobs") and put several into one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration import names
from ddb_migration.core.metrics import UNITS

# Metrics are kept by the minute; a call for each line of progress would tell no more.
EVERY_SECONDS = 60.0


@dataclass
class JobMetrics:
    """The metrics of one task of a migration's job; `connect` gives a CloudWatch client, `clock` epoch seconds.

    A failure is told once in the log and stops nothing: the job is there for the items.
    """

    migration: str
    connect: Callable[[], Any]
    clock: Callable[[], float] = time.time
    _told: Counter[str] = field(default_factory=Counter, init=False)
    _told_at: float = field(default=float("-inf"), init=False)
    _has_failed: bool = field(default=False, init=False)

    def tell(self, throttled: Mapping[str, int], *, is_last: bool = False) -> None:
        """Put what is new in the counts of throttled calls by reason: once a minute, and when it is the last time."""
        now, new = self.clock(), Counter(throttled) - self._told
        if not new or (now - self._told_at < EVERY_SECONDS and not is_last):
            return
        self._told_at = now
        self._told = Counter(throttled)
        try:
            self._put(new, datetime.fromtimestamp(now, timezone.utc))
        except (BotoCoreError, ClientError) as error:
            self._fail(error)

    def _put(self, counts: Mapping[str, int], at: datetime) -> None:
        labels = [(count, more) for reason, count in counts.items() for more in ({}, {names.METRIC_REASON: reason})]
        data = [self._datum(count, at, more) for count, more in labels]
        # CloudWatch API, PutMetricData: 1,000 metrics a call; DynamoDB has a dozen reasons.
        self.connect().put_metric_data(Namespace=names.METRIC_NAMESPACE, MetricData=data)

    def _datum(self, count: int, at: datetime, more: Mapping[str, str]) -> dict[str, Any]:
        labels = {names.METRIC_DIMENSION: self.migration, **more}
        dimensions = [{"Name": name, "Value": value} for name, value in labels.items()]
        named = {"MetricName": names.METRIC_THROTTLES, "Unit": UNITS[names.METRIC_THROTTLES]}
        return {**named, "Dimensions": dimensions, "Timestamp": at, "Value": float(count)}

    def _fail(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            print(f"throttles are in this log and not in the metrics: {error}", flush=True)
