"""The dashboard: one for each stack, with a row for each of its migrations."""

from __future__ import annotations

import functools
import weakref
from typing import Any

from aws_cdk import Aws, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.alarms import Alarms
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources

ID = "DdbMigrationDashboard"
_PERIOD_SECONDS = 60
_HEIGHT, _TEXT_WIDTH, _GRAPH_WIDTH, _ALARMS_WIDTH = 6, 4, 5, 5
_GRAPHS = 3
_MAXIMUM, _SUM = cloudwatch.Stats.MAXIMUM, cloudwatch.Stats.SUM
_RIGHT = {"yAxis": "right"}

# By stack, for as long as somebody holds it: the tree, which is asked first, is on the other side of a call.
_known: weakref.WeakKeyDictionary[Stack, MigrationDashboard] = weakref.WeakKeyDictionary()


class MigrationDashboard(Construct):
    """A stack's dashboard; `of` returns it, and creates it for the first migration."""

    def __init__(self, scope: Construct) -> None:
        """Create the dashboard of a stack; use `of`."""
        super().__init__(scope, ID)
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.hours(12))

    @classmethod
    def of(cls, stack: Stack) -> MigrationDashboard:
        """Return the dashboard of a stack."""
        known = _known.get(stack)
        if known is None:
            found = stack.node.try_find_child(ID)
            known = _known[stack] = found if isinstance(found, MigrationDashboard) else cls(stack)
        return known

    def add(self, resources: Resources, stream_processor: MigrationFunction, alarms: Alarms) -> None:
        """Add the row of a migration."""
        self.dashboard.add_widgets(
            _Graphs(resources, stream_processor),
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms.all, width=_ALARMS_WIDTH, height=_HEIGHT),
        )


class _Graphs(cloudwatch.ConcreteWidget):
    """What a row shows but for the alarms: a text and three graphs, one widget to the CDK's layout.

    They are written as CloudWatch reads them (API reference, "Dashboard body structure and syntax"); built of the CDK's
    widgets and metrics they would be twice as many calls into its runtime.
    """

    def __init__(self, resources: Resources, stream_processor: MigrationFunction) -> None:
        super().__init__(_TEXT_WIDTH + _GRAPHS * _GRAPH_WIDTH, _HEIGHT)
        self._shown = [
            {"markdown": _text(resources.name)},
            _graph("Lag in seconds", _lag(resources, stream_processor.function_name)),
            _graph("Waiting", _waiting(resources)),
            _graph("Changes a minute", _rates(resources.name)),
        ]

    def to_json(self) -> list[Any]:
        """Return the widgets where the CDK has put them; it asks several times in a synthesis."""
        text, *graphs = self._shown
        widgets = [self._widget("text", _TEXT_WIDTH, 0, text)]
        for number, graph in enumerate(graphs):
            widgets.append(self._widget("metric", _GRAPH_WIDTH, _TEXT_WIDTH + number * _GRAPH_WIDTH, graph))
        return widgets

    def _widget(self, kind: str, width: int, left: int, properties: dict[str, Any]) -> dict[str, Any]:
        place = {"width": width, "height": _HEIGHT, "x": left, "y": self._top}
        return {"type": kind, **place, "properties": properties}

    @functools.cached_property
    def _top(self) -> Any:
        # Rows are only ever added below, so what is above this one stays as high as it is.
        return self._y


def _text(name: str) -> str:
    return f"## {name}\n\nPhase, rates and what to do next:\n\n`ddb-migration status {name}`"


def _graph(title: str, metrics: list[list[Any]]) -> dict[str, Any]:
    return {"view": "timeSeries", "title": title, "region": _region(), "metrics": metrics, "yAxis": {}}


def _lag(resources: Resources, stream_processor: str) -> list[list[Any]]:
    unseen = {"id": "stream", "visible": False, "period": _PERIOD_SECONDS, "stat": _MAXIMUM}
    return [
        _own(resources.name, names.METRIC_REPLICATION_LAG, "replication lag", _MAXIMUM),
        [{"label": "stream lag", "expression": "stream / 1000", "period": _PERIOD_SECONDS}],
        ["AWS/Lambda", "IteratorAge", "FunctionName", stream_processor, unseen],
        _of_queue(resources.change_queue_name, "ApproximateAgeOfOldestMessage", "oldest message"),
    ]


def _waiting(resources: Resources) -> list[list[Any]]:
    messages = "ApproximateNumberOfMessagesVisible"
    return [
        _of_queue(resources.change_queue_name, messages, "backlog"),
        _own(resources.name, names.METRIC_PARKED, "parked keys", _MAXIMUM, **_RIGHT),
        _of_queue(resources.dead_letter_queue_name, messages, "dead letters", **_RIGHT),
    ]


def _rates(name: str) -> list[list[Any]]:
    shown = {
        names.METRIC_CAPTURED: "captured",
        names.METRIC_APPLIED: "applied",
        names.METRIC_STALE: "stale",
        names.METRIC_THROTTLES: "throttled calls",
    }
    return [_own(name, metric, label, _SUM) for metric, label in shown.items()]


def _own(name: str, metric: str, label: str, statistic: str, **options: str) -> list[Any]:
    shown = {"label": label, "period": _PERIOD_SECONDS, "stat": statistic, **options}
    return [names.METRIC_NAMESPACE, metric, names.METRIC_DIMENSION, name, shown]


def _of_queue(queue: str, metric: str, label: str, **options: str) -> list[Any]:
    shown = {"label": label, "period": _PERIOD_SECONDS, "stat": _MAXIMUM, **options}
    return ["AWS/SQS", metric, "QueueName", queue, shown]


@functools.cache
def _region() -> str:
    return Aws.REGION
