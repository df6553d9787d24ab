"""The dashboard: one for each stack, with a row for each of its migrations."""

from __future__ import annotations

import weakref

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from ddb_migration_construct.alarms import Alarms
from ddb_migration_construct.migration_metrics import MigrationMetrics
from ddb_migration_construct.stack_facts import minutes

ID = "DdbMigrationDashboard"
_HEIGHT = 6
_PERIOD_MINUTES = 1

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
        using_metrics={"stream": migration.metric_stream_lag(period=minutes(_PERIOD_MINUTES))},
        period=minutes(_PERIOD_MINUTES),
        label="stream lag",
    )
    return cloudwatch.GraphWidget(
        title="Lag in seconds",
        left=[
            migration.metric_replication_lag(period=minutes(_PERIOD_MINUTES), label="replication lag"),
            stream,
            migration.metric_queue_age(period=minutes(_PERIOD_MINUTES), label="oldest message"),
        ],
        width=5,
        height=_HEIGHT,
    )


def _backlog(migration: MigrationMetrics) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title="Waiting",
        left=[migration.metric_backlog(period=minutes(_PERIOD_MINUTES), label="backlog")],
        right=[
            migration.metric_parked(period=minutes(_PERIOD_MINUTES), label="parked keys"),
            migration.metric_dead_letters(period=minutes(_PERIOD_MINUTES), label="dead letters"),
        ],
        width=5,
        height=_HEIGHT,
    )


def _rates(migration: MigrationMetrics) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title="Changes a minute",
        left=[
            migration.metric_captured(period=minutes(_PERIOD_MINUTES), label="captured"),
            migration.metric_applied(period=minutes(_PERIOD_MINUTES), label="applied"),
            migration.metric_stale(period=minutes(_PERIOD_MINUTES), label="stale"),
            migration.metric_throttles(period=minutes(_PERIOD_MINUTES), label="throttled calls"),
        ],
        width=5,
        height=_HEIGHT,
    )
