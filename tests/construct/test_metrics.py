"""`metric()` and its sisters, as CDK users know them."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from ddb_migration.core.metrics import UNITS
from ddb_migration_construct import DynamoDbTableMigration
from tests.construct.stacks import MIGRATION, migrate, new_stack

OWN = {
    "metric_replication_lag": ("ReplicationLag", "Maximum"),
    "metric_oldest_change_age": ("OldestChangeAge", "Maximum"),
    "metric_captured": ("CapturedChanges", "Sum"),
    "metric_applied": ("AppliedChanges", "Sum"),
    "metric_stale": ("StaleChanges", "Sum"),
    "metric_discarded": ("DiscardedMessages", "Sum"),
    "metric_parked": ("ParkedKeys", "Maximum"),
    "metric_rereads": ("Rereads", "Sum"),
    "metric_throttles": ("Throttles", "Sum"),
    "metric_changes_after_cut_over": ("SourceChangesAfterCutOver", "Sum"),
}
PARTS = {
    "metric_stream_lag": ("AWS/Lambda", "IteratorAge", "Maximum"),
    "metric_queue_age": ("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum"),
    "metric_backlog": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"),
    "metric_dead_letters": ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"),
    "metric_failed_executions": ("AWS/States", "ExecutionsFailed", "Sum"),
}


@pytest.fixture(scope="module")
def migration() -> DynamoDbTableMigration:
    return migrate(new_stack())


def seen(metric: cloudwatch.Metric) -> tuple[str, str, str]:
    return metric.namespace, metric.metric_name, metric.statistic


@pytest.mark.parametrize("method", OWN)
def test_own_metrics(migration: DynamoDbTableMigration, method: str) -> None:
    metric = getattr(migration, method)()
    assert seen(metric) == ("DdbMigration", *OWN[method])
    assert metric.dimensions == {"Migration": f"Orders/{MIGRATION}"}
    assert metric.period.to_minutes() == 5


def test_every_metric_that_the_functions_tell_has_a_method() -> None:
    assert {name for name, _ in OWN.values()} == set(UNITS)


@pytest.mark.parametrize("method", PARTS)
def test_metrics_of_the_parts(migration: DynamoDbTableMigration, method: str) -> None:
    assert seen(getattr(migration, method)()) == PARTS[method]


@pytest.mark.parametrize("method", [*OWN, *PARTS])
def test_options_are_those_of_the_cdk(migration: DynamoDbTableMigration, method: str) -> None:
    options: dict[str, Any] = {
        "period": Duration.minutes(1),
        "statistic": "Minimum",
        "label": "mine",
        "color": "#ff0000",
    }
    metric = getattr(migration, method)(**options)
    assert (metric.period.to_minutes(), metric.statistic) == (1, "Minimum")
    assert (metric.label, metric.color) == ("mine", "#ff0000")


def test_throttles_by_reason(migration: DynamoDbTableMigration) -> None:
    metric = migration.metric_throttles("TableWriteProvisionedThroughputExceeded")
    assert dict(metric.dimensions or {})["Reason"] == "TableWriteProvisionedThroughputExceeded"
    assert len(metric.dimensions or {}) == 2


def test_any_metric_by_its_name(migration: DynamoDbTableMigration) -> None:
    assert seen(migration.metric("ReplicationLag", statistic="p90")) == ("DdbMigration", "ReplicationLag", "p90")


def test_a_metric_of_a_nested_name_is_that_of_the_functions() -> None:
    from constructs import Construct

    stack: Stack = new_stack()
    nested = migrate(Construct(stack, "Data"))
    assert nested.metric_applied().dimensions == {"Migration": nested.migration_name}
