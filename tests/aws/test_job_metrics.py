"""The metrics of the Glue jobs: what is new, once a minute and at the end, and never in the way of the load."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ddb_migration.aws.job_metrics import EVERY_SECONDS, JobMetrics
from tests.fakes.client_errors import client_error


class Watch:
    def __init__(self) -> None:
        self.calls: list[dict[str, float]] = []
        self.is_denied = False

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]]) -> None:  # noqa: N803  boto3's own names
        if self.is_denied:
            raise client_error("PutMetricData", "AccessDenied", "not authorized to perform: cloudwatch:PutMetricData")
        by_reason = [datum for datum in MetricData if len(datum["Dimensions"]) == 2]
        assert sum(datum["Value"] for datum in MetricData) == 2 * sum(datum["Value"] for datum in by_reason)
        self.calls.append({datum["Dimensions"][1]["Value"]: datum["Value"] for datum in by_reason})


class Job:
    def __init__(self) -> None:
        self.now, self.watch = 1000.0, Watch()
        self.connected = 0
        self.metrics = JobMetrics("Migrations/Orders", self.connect, lambda: self.now)

    def connect(self) -> Watch:
        self.connected += 1
        return self.watch


@pytest.fixture
def job() -> Job:
    return Job()


def test_only_what_is_new_is_told(job: Job) -> None:
    job.metrics.tell({"KeyRange": 2})
    job.now += EVERY_SECONDS
    job.metrics.tell({"KeyRange": 2})
    job.metrics.tell({"KeyRange": 5, "AccountLimit": 1})
    assert job.watch.calls == [{"KeyRange": 2}, {"KeyRange": 3, "AccountLimit": 1}]


def test_within_a_minute_nothing_is_told_and_nothing_is_lost(job: Job) -> None:
    for count in range(1, 6):
        job.metrics.tell({"KeyRange": count})
        job.now += EVERY_SECONDS / 4
    job.metrics.tell({"KeyRange": 6})
    job.metrics.tell({"KeyRange": 7}, is_last=True)
    assert job.watch.calls == [{"KeyRange": 1}, {"KeyRange": 4}, {"KeyRange": 2}]


def test_a_job_that_was_never_throttled_makes_no_call(job: Job) -> None:
    job.metrics.tell(Counter())
    job.metrics.tell(Counter(), is_last=True)
    assert job.connected == 0


def test_a_denial_is_told_once_and_stops_nothing(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.watch.is_denied = True
    for count in (1, 2):
        job.metrics.tell({"KeyRange": count}, is_last=True)
    assert capsys.readouterr().out.count("cloudwatch:PutMetricData") == 1
