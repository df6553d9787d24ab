from __future__ import annotations

import json

import pytest

from ddb_migration import names
from ddb_migration.core.metrics import UNITS, metric_line
from tests.fakes.cloudwatch import CloudWatch

NAME = {"Migration": "Orders/Orders"}


def test_a_line_is_one_json_object_that_cloudwatch_understands() -> None:
    line = metric_line("Orders/Orders", 1_790_000_000.25, {names.METRIC_APPLIED: 3, names.METRIC_REPLICATION_LAG: 1.5})
    assert json.loads(line) == {
        "_aws": {
            "Timestamp": 1_790_000_000_250,
            "CloudWatchMetrics": [
                {
                    "Namespace": "DdbMigration",
                    "Dimensions": [["Migration"]],
                    "Metrics": [
                        {"Name": "AppliedChanges", "Unit": "Count"},
                        {"Name": "ReplicationLag", "Unit": "Seconds"},
                    ],
                }
            ],
        },
        **NAME,
        "AppliedChanges": 3,
        "ReplicationLag": 1.5,
    }
    assert "\n" not in line


def test_with_a_reason_it_counts_under_it_and_in_all() -> None:
    watch = CloudWatch()
    watch.read_log(metric_line("Orders/Orders", 60, {names.METRIC_THROTTLES: 2}, "TableWriteKeyRange"))
    found = {tuple(sorted(dimensions)): values for (_, _, dimensions), values in watch.samples.items()}
    assert found == {
        (("Migration", "Orders/Orders"),): [(60.0, 2)],
        (("Migration", "Orders/Orders"), ("Reason", "TableWriteKeyRange")): [(60.0, 2)],
    }


def test_nothing_but_known_names_and_numbers_gets_in() -> None:
    with pytest.raises(KeyError):
        metric_line("m", 0, {"Customer": 1})
    with pytest.raises(ValueError, match="could not convert"):
        metric_line("m", 0, {names.METRIC_APPLIED: "jane@example.com"})  # type: ignore[dict-item]  # the point


def test_every_metric_has_a_unit() -> None:
    skipped = {"METRIC_NAMESPACE", "METRIC_DIMENSION", "METRIC_REASON", "METRIC_REVERSE"}
    named = {value for name, value in vars(names).items() if name.startswith("METRIC_") and name not in skipped}
    assert set(UNITS) == named
