"""The dashboard: one for each stack, with a row for each of its migrations."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ddb_migration_construct.alarms import Alarms
from ddb_migration_construct.migration_metrics import MigrationMetrics

ID = "DdbMigrationDashboard"
_HEIGHT = 6
_PERIOD = Duration.minutes(1)


class MigrationDashboard(Construct):
    """A stack's dashboard; `of` returns it, and creates it for the first migration."""

    def __init__(self, scope: Construct) -> None:
        """Create the dashboard of a stack; use `of`."""
        super().__init__(scope, ID)
        self.dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.hours(12))

    @classmethod
    def of(cls, scope: Construct) -> MigrationDashboard:
        """Return the dashboard of the stack that a construct is in."""
        stack = Stack.of(scope)
        found = stack.node.try_find_child(ID)
        return found if isinstance(found, MigrationDashboard) else cls(stack)

    def add(self, name: str, migration: MigrationMetrics, alarms: Alarms) -> None:
        """Add the row of a migration."""
        self.dashboard.add_widgets(
            cloudwatch.TextWidget(markdown=_text(name), width=4, height=_HEIGHT),
            _lag(migration),
            _backlog(migration),
            _rates(migration),
            cloudwatch.AlarmStatusWidget(title="Alarms", alarms=alarms.all, width=5, height=_HEIGHT),
        )


def _text(name: str) -> str:
    return f"## {name}\n\nPhase, rates and what to do next:\n\n`ddb-migration status {name}`"


def _lag(migration: MigrationMetrics) -> cloudwatch.GraphWidget:
    stream = cloudwatch.MathExpression(
        expression="stream / 1000",
        using_metrics={"stream": migration.metric_stream_lag(period=_PERIOD)},
        period=_PERIOD,
        label="stream lag",
    )
    return cloudwatch.GraphWidget(
        title="Lag in seconds",
        left=[
            migration.metric_replication_lag(period=_PERIOD, label="replication lag"),
            stream,
            migration.metric_queue_age(period=_PERIOD, label="oldest message"),
        ],
        width=5,
        height=_HEIGHT,
    )


def _backlog(migration: MigrationMetrics) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title="Waiting",
        left=[migration.metric_backlog(period=_PERIOD, label="backlog")],
        right=[
            migration.metric_parked(period=_PERIOD, label="parked keys"),
            migration.metric_dead_letters(period=_PERIOD, label="dead letters"),
        ],
        width=5,
        height=_HEIGHT,
    )


def _rates(migration: MigrationMetrics) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title="Changes a minute",
        left=[
            migration.metric_captured(period=_PERIOD, label="captured"),
            migration.metric_applied(period=_PERIOD, label="applied"),
            migration.metric_stale(period=_PERIOD, label="stale"),
            migration.metric_throttles(period=_PERIOD, label="throttled calls"),
        ],
        width=5,
        height=_HEIGHT,
    )
