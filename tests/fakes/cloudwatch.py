"""CloudWatch as its documentation has it: metrics out of a log, some metric math, and the state of an alarm.

Sources, all of the CloudWatch guide: "Specification: Embedded metric format"; "Using metric math"; "Configuring how
CloudWatch alarms treat missing data", whose two tables tests/alarms/test_cloudwatch.py plays.
"""

from __future__ import annotations

import ast
import json
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Identity = tuple[str, str, frozenset[tuple[str, str]]]
Series = dict[int, float]

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
# The guide's own example looks at five periods where three are evaluated.
MORE_PERIODS = 2
STATISTICS: Mapping[str, Callable[[Iterable[float]], float]] = {"Maximum": max, "Minimum": min, "Sum": sum}
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
}


@dataclass
class CloudWatch:
    """Samples of metrics, by name space, name and dimensions."""

    samples: dict[Identity, list[tuple[float, float]]] = field(default_factory=dict)

    def put(self, namespace: str, name: str, dimensions: Mapping[str, str], at: float, value: float) -> None:
        identity = (namespace, name, frozenset(dimensions.items()))
        self.samples.setdefault(identity, []).append((at, value))

    def read_log(self, line: str) -> None:
        """Take the metrics out of a log line, if it is one of the embedded format."""
        if not line.startswith("{") or "_aws" not in (event := json.loads(line)):
            return
        for described in event["_aws"]["CloudWatchMetrics"]:
            assert len(described["Metrics"]) <= 100
            for named in described["Dimensions"]:
                assert len(named) <= 30
                dimensions = {name: event[name] for name in named}
                assert all(isinstance(value, str) and value.isascii() for value in dimensions.values())
                for metric in described["Metrics"]:
                    assert set(metric) == {"Name", "Unit"}
                    value = event[metric["Name"]]
                    assert isinstance(value, int | float)
                    at = event["_aws"]["Timestamp"] / 1000
                    self.put(described["Namespace"], metric["Name"], dimensions, at, value)

    def series(self, stat: Mapping[str, Any]) -> Series:
        """The data points of a metric, by the beginning of their periods."""
        metric, period = stat["Metric"], stat["Period"]
        dimensions = frozenset((one["Name"], one["Value"]) for one in metric.get("Dimensions", []))
        found: dict[int, list[float]] = {}
        for at, value in self.samples.get((metric["Namespace"], metric["MetricName"], dimensions), []):
            found.setdefault(int(at // period) * period, []).append(value)
        return {start: STATISTICS[stat["Stat"]](values) for start, values in found.items()}

    def state(self, alarm: Mapping[str, Any], now: float, before: str = INSUFFICIENT_DATA) -> str:
        """The state of an alarm (its properties in a template, in plain words) that was in state `before`."""
        series, period = self._alarm_series(alarm)
        wanted = int(alarm["EvaluationPeriods"])
        newest = int(now // period) * period
        looked_at = [newest - period * back for back in range(1, wanted + MORE_PERIODS + 1)]
        real = [series[start] for start in looked_at if start in series]
        breaches = COMPARISONS[alarm["ComparisonOperator"]]
        judged = [breaches(value, float(alarm["Threshold"])) for value in real[:wanted]]
        return judge(judged, wanted, int(alarm.get("DatapointsToAlarm", wanted)), alarm["TreatMissingData"], before)

    def _alarm_series(self, alarm: Mapping[str, Any]) -> tuple[Series, int]:
        if "Metrics" not in alarm:
            metric = {name: alarm.get(name, []) for name in ("Namespace", "MetricName", "Dimensions")}
            stat = {"Metric": metric, "Period": alarm["Period"], "Stat": alarm["Statistic"]}
            return self.series(stat), int(alarm["Period"])
        stats = {one["Id"]: one["MetricStat"] for one in alarm["Metrics"] if "MetricStat" in one}
        (returned,) = [one for one in alarm["Metrics"] if one.get("ReturnData", True)]
        period = min(int(stat["Period"]) for stat in stats.values())
        series = {name: self.series(stat) for name, stat in stats.items()}
        return calculate(returned["Expression"], series, period), period


def judge(judged: Sequence[bool], wanted: int, to_alarm: int, missing: str, before: str) -> str:
    """The state, given which of the newest data points breach; those that are not there are treated as `missing`."""
    if not judged and missing in ("ignore", "missing"):
        return before if missing == "ignore" else INSUFFICIENT_DATA
    filled = wanted - len(judged) if missing == "breaching" else 0
    if sum(judged) + filled >= to_alarm:
        return ALARM
    if missing in ("ignore", "missing") and len(judged) < wanted and all(judged):
        # What the guide calls a premature alarm: too few data points, and all of them breach.
        return before if missing == "ignore" else ALARM
    return OK


def calculate(expression: str, series: Mapping[str, Series], period: int) -> Series:
    """The data points of an expression: none where an operand has none, nor where it divides by zero."""
    tree = ast.parse(expression, mode="eval").body
    found: Series = {}
    for start in sorted({start for one in series.values() for start in one}):
        values = {name: one.get(start) for name, one in series.items()}
        value = _value(tree, values, period)
        if value is not None:
            found[start] = value
    return found


def _value(node: ast.expr, values: Mapping[str, float | None], period: int) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.Call(func=ast.Name(id="PERIOD")):
            return float(period)
        case ast.Call(func=ast.Name(id="IF"), args=[condition, true, false]):
            chosen = _value(condition, values, period)
            return None if chosen is None else _value(true if chosen else false, values, period)
        case ast.BinOp(left=left, op=does, right=right):
            return _binary(does, _value(left, values, period), _value(right, values, period))
        case ast.Compare(left=left, ops=[ast.Gt()], comparators=[right]):
            one, other = _value(left, values, period), _value(right, values, period)
            return None if one is None or other is None else float(one > other)
    raise NotImplementedError(ast.unparse(node))


def _binary(does: ast.operator, one: float | None, other: float | None) -> float | None:
    if one is None or other is None or (isinstance(does, ast.Div) and other == 0):
        return None
    match does:
        case ast.Add():
            return one + other
        case ast.Mult():
            return one * other
        case ast.Div():
            return one / other
    raise NotImplementedError(type(does).__name__)
