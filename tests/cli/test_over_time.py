"""What CloudWatch tells of a migration, asked for as it is kept and told without gaps that are none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ddb_migration_construct.cli.migrations import Migration, choose
from ddb_migration_construct.cli.over_time import Period, period_of, read_over_time
from tests.cli.fakes import FakeStates

NAME = "Orders/Migration"
DAY = 86_400
START = 1_790_000_040.0
NOW = START + 600
RECORD = {"captured_from": START}


class FakeCloudWatch:
    """GetMetricData in pages of one result, of points by id and label; and what was asked."""

    def __init__(self, points: dict[tuple[str, str], dict[float, float]] | None = None, denies: bool = False) -> None:
        self.points = points or {}
        self.denies = denies
        self.asked: dict[str, Any] = {}

    def get_paginator(self, operation: str) -> FakeCloudWatch:
        assert operation == "get_metric_data"
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        if self.denies:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetMetricData")
        self.asked = request
        for (id, label), told in self.points.items():
            times = [datetime.fromtimestamp(at, timezone.utc) for at in told]
            yield {"MetricDataResults": [{"Id": id, "Label": label, "Timestamps": times, "Values": [*told.values()]}]}


def migration(**tags: str) -> Migration:
    states = FakeStates(NAME)
    for held in states.tags.values():
        held.update({f"ddb-migration:{name}": value for name, value in tags.items()})
    return choose(states, [NAME])[0]


def charts(cloudwatch: FakeCloudWatch, **tags: str) -> dict[str, dict[str, Any]]:
    told = read_over_time(cloudwatch, migration(**tags), RECORD, NOW)
    return {one["title"]: one for one in told["charts"]}


@pytest.mark.parametrize(
    ("ago", "took", "seconds"),
    [
        (600, 600, 60),
        (4 * 3600, 4 * 3600, 60),
        (DAY, DAY, 300),
        (14 * DAY, 14 * DAY, 4080),
        (20 * DAY, 3600, 300),
        (100 * DAY, 3600, 3600),
        (500 * DAY, 3600, 3600),
    ],
)
def test_a_point_is_as_short_as_cloudwatch_keeps_it_and_no_more_are_asked_for_than_can_be_seen(
    ago: float, took: float, seconds: int
) -> None:
    period = period_of(NOW - ago, NOW - ago + took, NOW)
    assert period.seconds == seconds
    assert period.began % seconds == period.ended % seconds == 0
    assert period.began <= NOW - ago
    assert period.ended >= NOW - ago + took
    assert (period.ended - period.began) / seconds <= 301


def test_a_migration_of_a_moment_has_one_point() -> None:
    assert period_of(120, 120, 120) == Period(120, 180, 60)


def test_counts_are_rates_and_zero_where_nothing_was_told_while_a_lag_is_unknown_then() -> None:
    first = period_of(START, NOW, NOW).began
    found = charts(
        FakeCloudWatch({("captured", "captured"): {first: 120.0, first + 120: 6.0}, ("lag", "lag"): {first + 60: 4.0}})
    )
    captured, applied = found["Changes"]["series"]
    assert captured["points"][:4] == [(first, 2.0), (first + 60, 0.0), (first + 120, 0.1), (first + 180, 0.0)]
    assert applied == {"name": "applied", "points": []}
    assert found["Lag"]["series"][0]["points"][:3] == [(first, None), (first + 60, 4.0), (first + 120, None)]


def test_throttled_calls_are_told_by_the_reasons_that_there_are() -> None:
    found = charts(FakeCloudWatch({("throttles", "TableWriteKeyRangeThroughputExceeded"): {START: 3.0}}))
    assert found["Throttled calls"]["series"] == [
        {"name": "TableWriteKeyRangeThroughputExceeded", "points": [(START, 3.0)]}
    ]


def test_what_is_asked_is_what_the_migration_tells() -> None:
    cloudwatch = FakeCloudWatch()
    charts(cloudwatch)
    queries = {one["Id"]: one for one in cloudwatch.asked["MetricDataQueries"]}
    lag = queries["lag"]["MetricStat"]
    assert lag["Metric"] == {
        "Namespace": "DdbMigration",
        "MetricName": "ReplicationLag",
        "Dimensions": [{"Name": "Migration", "Value": NAME}],
    }
    assert (lag["Period"], lag["Stat"]) == (60, "Maximum")
    assert queries["backlog"]["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "QueueName", "Value": "queue"}]
    assert queries["written"]["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "TableName", "Value": "orders"}]
    wanted = '{DdbMigration,Migration,Reason} MetricName="Throttles" Migration="Orders/Migration"'
    assert queries["throttles"]["Expression"] == f"SEARCH('{wanted}', 'Sum', 60)"
    assert queries["throttles"]["Label"] == "${PROP('Dim.Reason')}"


def test_a_destination_elsewhere_is_measured_elsewhere() -> None:
    assert "Writes of the destination" in charts(FakeCloudWatch())
    for elsewhere in ("eu-west-1:123456789012", "us-east-1:999999999999"):
        cloudwatch = FakeCloudWatch()
        arn = f"arn:aws:dynamodb:{elsewhere}:table/orders"
        assert "Writes of the destination" not in charts(cloudwatch, destination=arn)
        assert "written" not in {one["Id"] for one in cloudwatch.asked["MetricDataQueries"]}


def test_who_may_not_ask_gets_a_note_that_names_the_right() -> None:
    told = read_over_time(FakeCloudWatch(denies=True), migration(), RECORD, NOW)
    assert told["charts"] == []
    assert "cloudwatch:GetMetricData" in told["notes"][0]


def test_where_cloudwatch_cannot_be_reached_the_rest_of_the_report_is_told() -> None:
    class Unreachable(FakeCloudWatch):
        def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
            raise EndpointConnectionError(endpoint_url="https://monitoring")

    told = read_over_time(Unreachable(), migration(), RECORD, NOW)
    assert told["charts"] == []
    assert "https://monitoring" in told["notes"][0]


def test_it_ends_when_the_migration_does() -> None:
    told = read_over_time(FakeCloudWatch(), migration(), {**RECORD, "completed_at": START + 61}, NOW + DAY)
    assert told["to"] - told["from"] == 120
