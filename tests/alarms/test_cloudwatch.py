"""The fake CloudWatch judges as the guide's tables do ("Configuring how CloudWatch alarms treat missing data")."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.cloudwatch import ALARM, INSUFFICIENT_DATA, OK, CloudWatch, calculate

RETAINED = "RETAINED"
PERIOD = 60
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")

# Data points, oldest first: X breaches, 0 does not, - is missing. Then the states by TREATMENTS.
THREE_OF_THREE = {
    "0-X-X": (OK, OK, OK, OK),
    "----0": (OK, OK, OK, OK),
    "-----": (INSUFFICIENT_DATA, RETAINED, ALARM, OK),
    "0XX-X": (ALARM, ALARM, ALARM, ALARM),
    "--X--": (ALARM, RETAINED, ALARM, OK),
}
TWO_OF_THREE = {
    "0-X-X": (ALARM, ALARM, ALARM, ALARM),
    "00X0X": (ALARM, ALARM, ALARM, ALARM),
    "0-X--": (OK, OK, ALARM, OK),
    "----0": (OK, OK, ALARM, OK),
    "---X-": (ALARM, RETAINED, ALARM, OK),
}
CASES = [
    (points, to_alarm, treatment, state)
    for to_alarm, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for points, states in table.items()
    for treatment, state in zip(TREATMENTS, states, strict=True)
]


def alarm(**properties: Any) -> dict[str, Any]:
    return {
        "Namespace": "n",
        "MetricName": "m",
        "Period": PERIOD,
        "Statistic": "Maximum",
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5,
        "EvaluationPeriods": 3,
        **properties,
    }


@pytest.mark.parametrize(("points", "to_alarm", "treatment", "state"), CASES)
def test_missing_data(points: str, to_alarm: int, treatment: str, state: str) -> None:
    watch = CloudWatch()
    for position, point in enumerate(points):
        if point != "-":
            watch.put("n", "m", {}, position * PERIOD, 9 if point == "X" else 1)
    judged = alarm(DatapointsToAlarm=to_alarm, TreatMissingData=treatment)
    assert watch.state(judged, len(points) * PERIOD, before=RETAINED) == state


def test_a_period_that_has_not_ended_is_not_judged() -> None:
    watch = CloudWatch()
    watch.put("n", "m", {}, 61, 9)
    judged = alarm(EvaluationPeriods=1, TreatMissingData="notBreaching")
    assert (watch.state(judged, 119), watch.state(judged, 120)) == (OK, ALARM)


def test_statistics_of_a_period() -> None:
    watch = CloudWatch()
    for value in (1, 4, 2):
        watch.put("n", "m", {"d": "v"}, 30, value)
    metric = {"Namespace": "n", "MetricName": "m", "Dimensions": [{"Name": "d", "Value": "v"}]}
    found = {stat: watch.series({"Metric": metric, "Period": 60, "Stat": stat}) for stat in ("Sum", "Maximum")}
    assert found == {"Sum": {0: 7}, "Maximum": {0: 4}}


def test_an_expression_has_no_point_where_it_divides_by_zero_or_lacks_one() -> None:
    series = {"a": {0: 6.0, 60: 6.0, 120: 6.0}, "b": {0: 2.0, 60: 0.0}}
    assert calculate("a * PERIOD(a) / b", series, 60) == {0: 180.0}
    assert calculate("a + IF(b > 0, a / b, 1)", series, 60) == {0: 9.0, 60: 7.0}
