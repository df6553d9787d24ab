"""The dashboard: one for each stack, with a row for each of its migrations."""

from __future__ import annotations

import functools
import weakref
from typing import Any, cast

from aws_cdk import Aws, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ddb_migration_construct._runtime import names
from ddb_migration_construct.alarms import Alarms
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.stack_facts import StackFacts, seconds

ID = "DdbMigrationDashboard"
_PERIOD_SECONDS = 60
_HEIGHT, _TEXT_WIDTH, _GRAPH_WIDTH, _ALARMS_WIDTH = 6, 4, 5, 5
_GRAPHS = 3
_ROW_WIDTH = _TEXT_WIDTH + _GRAPHS * _GRAPH_WIDTH
_MAXIMUM, _SUM = cloudwatch.Stats.MAXIMUM, cloudwatch.Stats.SUM
_RIGHT = {"yAxis": "right"}

# By stack, for as long as somebody holds it: the tree, which is asked first, is on the other side of a call.
_known: weakref.WeakKeyDictionary[Stack, MigrationDashboard] = weakref.WeakKeyDictionary()


class MigrationDashboard(Construct):
    """A stack's dashboard; `of` returns it, and creates it for the first migration."""

    def __init__(self, scope: Construct) -> None:
        """Create the dashboard of a stack; use `of`."""
        super().__init__(scope, ID)
        self.dashboard = _Dashboard(self, "Dashboard", default_interval=seconds(12 * 3600))

    @classmethod
    def of(cls, stack: Stack) -> MigrationDashboard:
        """Return the dashboard of a stack."""
        known = _known.get(stack)
        if known is None:
            found = StackFacts.of(stack).node.try_find_child(ID)
            known = _known[stack] = found if isinstance(found, MigrationDashboard) else cls(stack)
        return known

    def add(self, resources: Resources, stream_processor: MigrationFunction, alarms: Alarms) -> None:
        """Add the row of a migration."""
        self.dashboard.add_row(
            [
                {"markdown": _text(resources.name)},
                _graph("Lag in seconds", _lag(resources, stream_processor.function_name)),
                _graph("Waiting", _waiting(resources)),
                _graph("Changes a minute", _rates(resources.name)),
            ],
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms.all, width=_ALARMS_WIDTH, height=_HEIGHT),
        )


class _Dashboard(cloudwatch.Dashboard):
    """A dashboard of the CDK whose rows of migrations are drawn together, as far as they follow each other."""

    _rows: _Rows | None = None

    def add_widgets(self, *widgets: cloudwatch.IWidget) -> None:
        """Add what a team has made, below all that is there; a row that follows stands below that."""
        self._rows = None
        super().add_widgets(*widgets)

    def add_row(self, shown: list[dict[str, Any]], alarms: cloudwatch.IWidget) -> None:
        """Add what the row of a migration shows, a text and three graphs, and the alarms beside it."""
        if self._rows is not None:
            self._rows.shown.append(shown)
            # To a type checker it lacks what is optional of a widget.
            place = cast("cloudwatch.IWidget", cloudwatch.Spacer(width=_ROW_WIDTH, height=_HEIGHT))
            super().add_widgets(place, alarms)
            return
        self._rows = _Rows()
        self._rows.shown.append(shown)
        super().add_widgets(self._rows, alarms)


class _Rows(cloudwatch.ConcreteWidget):
    """What some rows show but for the alarms: to the CDK's layout one widget, of which a row is as high as it says.

    They are written as CloudWatch reads them (API reference, "Dashboard body structure and syntax"); built of the CDK's
    widgets and metrics they would be more calls into its runtime, which also asks each widget several times in a
    synthesis. The place of the other rows is kept by spacers.
    """

    def __init__(self) -> None:
        super().__init__(_ROW_WIDTH, _HEIGHT)
        self.shown: list[list[dict[str, Any]]] = []

    def to_json(self) -> list[Any]:
        """Return the widgets of all rows, from where the CDK has put the first."""
        return [widget for number, row in enumerate(self.shown) for widget in self._row(number, row)]

    def _row(self, number: int, row: list[dict[str, Any]]) -> list[dict[str, Any]]:
        text, *graphs = row
        top = self._top + number * _HEIGHT
        widgets = [_widget("text", _TEXT_WIDTH, 0, top, text)]
        for place, graph in enumerate(graphs):
            widgets.append(_widget("metric", _GRAPH_WIDTH, _TEXT_WIDTH + place * _GRAPH_WIDTH, top, graph))
        return widgets

    @functools.cached_property
    def _top(self) -> Any:
        # Rows are only ever added below, so what is above this one stays as high as it is.
        return self._y


def _widget(kind: str, width: int, left: int, top: int, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "width": width, "height": _HEIGHT, "x": left, "y": top, "properties": properties}


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
    return [*(_own(name, metric, label, _SUM) for metric, label in shown.items()), [_throttles(name)]]


def _throttles(name: str) -> dict[str, Any]:
    """Return throttled calls by DynamoDB's own reasons, which nobody knows before they come up."""
    schema = f"{names.METRIC_NAMESPACE},{names.METRIC_DIMENSION},{names.METRIC_REASON}"
    wanted = f'MetricName="{names.METRIC_THROTTLES}" {names.METRIC_DIMENSION}="{name}"'
    search = f"SEARCH('{{{schema}}} {wanted}', '{_SUM}', {_PERIOD_SECONDS})"
    return {"label": f"${{PROP('Dim.{names.METRIC_REASON}')}}", "expression": search, "period": _PERIOD_SECONDS}


def _own(name: str, metric: str, label: str, statistic: str, **options: str) -> list[Any]:
    shown = {"label": label, "period": _PERIOD_SECONDS, "stat": statistic, **options}
    return [names.METRIC_NAMESPACE, metric, names.METRIC_DIMENSION, name, shown]


def _of_queue(queue: str, metric: str, label: str, **options: str) -> list[Any]:
    shown = {"label": label, "period": _PERIOD_SECONDS, "stat": _MAXIMUM, **options}
    return ["AWS/SQS", metric, "QueueName", queue, shown]


@functools.cache
def _region() -> str:
    return Aws.REGION
