"""One dashboard for a stack, with a row for each migration in it."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import App, Duration, Stack, Stage
from aws_cdk import aws_cloudwatch as cloudwatch

from tests.construct.stacks import migrate, new_stack, plain, resources_of, template_of

KIND = "AWS::CloudWatch::Dashboard"


def widgets(stack: Stack) -> list[dict[str, Any]]:
    (found,) = resources_of(template_of(stack), KIND).values()
    drawn: list[dict[str, Any]] = json.loads(plain(found["Properties"]["DashboardBody"]))["widgets"]
    return drawn


def test_a_row_for_each_migration() -> None:
    stack = new_stack()
    migrations = [migrate(stack, name) for name in ("First", "Second", "Third")]
    # CloudWatch goes by x and y.
    drawn = sorted(widgets(stack), key=lambda widget: (widget["y"], widget["x"]))
    assert len(drawn) == 3 * 5
    for row, migration in enumerate(migrations):
        mine = drawn[5 * row : 5 * row + 5]
        assert {widget["y"] for widget in mine} == {6 * row}
        assert [widget["x"] for widget in mine] == [0, 4, 9, 14, 19]
        assert sum(widget["width"] for widget in mine) == 24
        assert migration.migration_name in mine[0]["properties"]["markdown"]
        others = [other.migration_name for other in migrations if other is not migration]
        assert not [name for name in others if name in json.dumps(mine)]


def test_what_a_row_shows() -> None:
    stack = new_stack()
    migrate(stack)
    text, lag, waiting, rates, alarms = (json.dumps(widget["properties"]) for widget in widgets(stack))
    assert "ddb-migration status Orders/OrdersMigration" in text
    assert all(name in lag for name in ("ReplicationLag", "IteratorAge", "ApproximateAgeOfOldestMessage"))
    assert all(name in waiting for name in ("<ChangeQueue.QueueName>", "ParkedKeys", "DeadLetterQueue"))
    assert all(name in rates for name in ("CapturedChanges", "AppliedChanges", "StaleChanges", "Throttles"))
    assert alarms.count(".Arn>") == 8


def test_what_a_team_adds_stands_where_it_was_added() -> None:
    stack = new_stack()
    dashboard = migrate(stack, "First").dashboard
    dashboard.add_widgets(cloudwatch.TextWidget(markdown="team", width=24, height=3))
    second = migrate(stack, "Second")
    dashboard.add_widgets(cloudwatch.GraphWidget(left=[second.metric_applied()]))
    drawn = [(widget["type"], widget["y"]) for widget in widgets(stack)]
    row = ("text", "metric", "metric", "metric", "alarm")
    assert drawn == [*((kind, 0) for kind in row), ("text", 6), *((kind, 9) for kind in row), ("metric", 15)]


def test_rows_stand_below_what_a_team_added_before_them() -> None:
    stack = new_stack()
    dashboard = migrate(stack, "First").dashboard
    migrate(stack, "Second")
    dashboard.add_widgets(cloudwatch.TextWidget(markdown="team", width=24, height=3))
    names = [migrate(stack, name).migration_name for name in ("Third", "Fourth")]
    texts = {widget["properties"]["markdown"]: widget["y"] for widget in widgets(stack) if widget["type"] == "text"}
    assert [[top for text, top in texts.items() if f"{name}`" in text] for name in names] == [[15], [21]]
    assert sorted({widget["y"] for widget in widgets(stack)}) == [0, 6, 12, 15, 21]


def test_the_graphs_are_what_the_metric_methods_would_draw() -> None:
    stack = new_stack()
    migration = migrate(stack)
    minute = Duration.minutes(1)
    lag = cloudwatch.MathExpression(
        expression="stream / 1000",
        using_metrics={"stream": migration.metric_stream_lag(period=minute)},
        period=minute,
        label="stream lag",
    )
    drawn: dict[str, tuple[list[Any], list[Any]]] = {
        "Lag in seconds": (
            [
                migration.metric_replication_lag(period=minute, label="replication lag"),
                lag,
                migration.metric_queue_age(period=minute, label="oldest message"),
            ],
            [],
        ),
        "Waiting": (
            [migration.metric_backlog(period=minute, label="backlog")],
            [
                migration.metric_parked(period=minute, label="parked keys"),
                migration.metric_dead_letters(period=minute, label="dead letters"),
            ],
        ),
        "Changes a minute": (
            [
                migration.metric_captured(period=minute, label="captured"),
                migration.metric_applied(period=minute, label="applied"),
                migration.metric_stale(period=minute, label="stale"),
                migration.metric_throttles(period=minute, label="throttled calls"),
                cloudwatch.MathExpression(
                    expression='SEARCH(\'{DdbMigration,Migration,Reason} MetricName="Throttles" '
                    f"Migration=\"{migration.migration_name}\"', 'Sum', 60)",
                    period=minute,
                    label="${PROP('Dim.Reason')}",
                ),
            ],
            [],
        ),
    }
    migration.dashboard.add_widgets(
        *(cloudwatch.GraphWidget(title=title, left=left, right=right) for title, (left, right) in drawn.items())
    )
    graphs = [widget["properties"] for widget in widgets(stack) if widget["type"] == "metric"]
    assert len(graphs) == 2 * len(drawn)
    assert graphs[: len(drawn)] == graphs[len(drawn) :]


def test_migrations_share_it_and_stacks_do_not() -> None:
    app = App(analytics_reporting=False)
    stacks = [Stack(app, "One"), Stack(app, "Two"), Stack(Stage(app, "Prod"), "One")]
    first, second = migrate(stacks[0], "A"), migrate(stacks[0], "B")
    others = [migrate(stack) for stack in stacks[1:]]
    assert first.dashboard is second.dashboard
    assert len({id(one.dashboard) for one in (first, *others)}) == 3
