"""Each alarm of the template, driven over its line once and back, by what the functions and AWS's services tell."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import CfnParameter, Duration

from ddb_migration import names
from ddb_migration.core.change import PUT
from enable_trigger import drain
from tests.construct.stacks import (
    default_template,
    migrate,
    new_stack,
    plain,
    properties,
    resources_of,
    template_of,
    template_with,
)
from tests.fakes.cloudwatch import ALARM, INSUFFICIENT_DATA, OK, CloudWatch
from tests.functions.migration import Caller, Migration
from tests.functions.test_enable_trigger import _prepared
from tests.functions.test_write_cdc import Applying

KIND = "AWS::CloudWatch::Alarm"
DOCS = Path(__file__).resolve().parents[2] / "docs" / "alarms.md"
PERIOD = 300
DAY = 86_400
STREAM = ("AWS/Lambda", "IteratorAge", {"FunctionName": "<StreamProcessorFunction>"})
QUEUE = {"QueueName": "<ChangeQueue.QueueName>"}
AGE = ("AWS/SQS", "ApproximateAgeOfOldestMessage", QUEUE)
BACKLOG = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", QUEUE)
APPLIED = ("AWS/SQS", "NumberOfMessagesDeleted", QUEUE)
DEAD = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "<ChangeQueueDeadLetterQueue.QueueName>"})
FAILED = ("AWS/States", "ExecutionsFailed", {"StateMachineArn": "<MigrateStateMachine>"})
AFTER_CUT_OVER = (names.METRIC_NAMESPACE, "SourceChangesAfterCutOver", {"Migration": "Orders/OrdersMigration"})
ALARMS = {
    *("StreamLag", "StreamNearExpiry", "QueueAge", "DrainForecast", "DeadLetters", "ParkedKeys"),
    *("SourceChangedAfterCutOver", "MigrationFailed"),
}
# Only where the migration can be rolled back.
OF_WAY_BACK = {"ReverseStreamLag", "ReverseQueueAge", "ReverseDeadLetters", "DestinationChangedAfterRollBack"}
REVERSE = {"Migration": "Orders/OrdersMigration (reverse)"}
REVERSE_STREAM = ("AWS/Lambda", "IteratorAge", {"FunctionName": "<ReverseStreamProcessorFunction>"})
REVERSE_QUEUE = {"QueueName": "<ReverseChangeQueue.QueueName>"}
REVERSE_AGE = ("AWS/SQS", "ApproximateAgeOfOldestMessage", REVERSE_QUEUE)
REVERSE_DEAD_QUEUE = {"QueueName": "<ReverseChangeQueueDeadLetterQueue.QueueName>"}
REVERSE_DEAD = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", REVERSE_DEAD_QUEUE)
AFTER_ROLL_BACK = (names.METRIC_NAMESPACE, "SourceChangesAfterCutOver", REVERSE)


@functools.cache
def template_with_way_back() -> dict[str, Any]:
    return template_with(fence_source_writes=True, rollback_window=Duration.days(3))


def alarm(name: str) -> dict[str, Any]:
    template = template_with_way_back() if name in OF_WAY_BACK else default_template()
    found: dict[str, Any] = plain(properties(template, KIND, f"Alarms{name}"))
    return found


class Watched:
    """An alarm under data of one period after another."""

    def __init__(self, name: str) -> None:
        self.alarm = alarm(name)
        self.watch = CloudWatch()
        self.now = 0.0
        self.state = INSUFFICIENT_DATA

    def after(self, *told: tuple[tuple[str, str, dict[str, str]], float], periods: int = 1) -> str:
        """Let these values be told in each of so many periods; return the alarm's state then."""
        for _ in range(periods):
            for (namespace, metric, dimensions), value in told:
                self.watch.put(namespace, metric, dimensions, self.now, value)
            self.now += PERIOD
            self.state = self.watch.state(self.alarm, self.now, self.state)
        return self.state


@pytest.mark.parametrize(("name", "line_ms"), [("StreamLag", 900_000), ("StreamNearExpiry", 6 * 3_600_000)])
def test_stream_lag(name: str, line_ms: float) -> None:
    watched = Watched(name)
    assert watched.after((STREAM, line_ms), periods=5) == OK
    assert watched.after((STREAM, line_ms + 1), periods=2) == OK
    assert watched.after((STREAM, line_ms + 1)) == ALARM
    # A mapping that is disabled or cannot poll tells nothing more; the changes are not captured for that.
    assert watched.after(periods=100) == ALARM
    assert watched.after((STREAM, 200), periods=3) == OK
    # An idle source tells nothing either.
    assert watched.after(periods=100) == OK


def test_stream_lag_of_a_migration_that_was_never_started() -> None:
    assert Watched("StreamLag").after(periods=10) == INSUFFICIENT_DATA


def test_queue_age() -> None:
    watched = Watched("QueueAge")
    assert watched.after((AGE, 7 * DAY)) == OK
    assert watched.after((AGE, 7 * DAY + 1)) == ALARM
    # A queue that holds a message tells its age; one that tells nothing is empty.
    assert watched.after(periods=4) == OK


def forecast(watched: Watched, age: float, backlog: float, applied: float, periods: int) -> str:
    return watched.after((AGE, age), (BACKLOG, backlog), (APPLIED, applied), periods=periods)


def test_drain_forecast() -> None:
    watched = Watched("DrainForecast")
    # 10 a second of 8,640,000: ten days, and three days old.
    assert forecast(watched, 3 * DAY, 8_640_000, 3000, periods=4) == OK
    # 8 a second: twelve and a half.
    assert forecast(watched, 3 * DAY, 8_640_000, 2400, periods=2) == OK
    assert forecast(watched, 3 * DAY, 8_640_000, 2400, periods=1) == ALARM
    # Before the barrier nothing is applied, and the age alone counts.
    assert forecast(watched, 3 * DAY, 8_640_000, 0, periods=4) == OK
    assert forecast(watched, 14 * DAY + 1, 1, 0, periods=3) == ALARM
    assert watched.after(periods=6) == OK


def test_drain_forecast_holds_over_one_good_period_in_four() -> None:
    watched = Watched("DrainForecast")
    assert forecast(watched, 3 * DAY, 8_640_000, 2400, periods=2) == OK
    assert forecast(watched, 3 * DAY, 8_640_000, 3000, periods=1) == OK
    assert forecast(watched, 3 * DAY, 8_640_000, 2400, periods=1) == ALARM


def test_dead_letters() -> None:
    watched = Watched("DeadLetters")
    assert watched.after((DEAD, 0)) == OK
    assert watched.after((DEAD, 1)) == ALARM
    assert watched.after((DEAD, 0)) == OK


def test_source_changed_after_cut_over() -> None:
    watched = Watched("SourceChangedAfterCutOver")
    assert watched.after(periods=3) == OK
    assert watched.after((AFTER_CUT_OVER, 1)) == ALARM
    # Each burst tells anew.
    assert watched.after(periods=3) == OK
    assert watched.after((AFTER_CUT_OVER, 2)) == ALARM


def test_migration_failed() -> None:
    watched = Watched("MigrationFailed")
    assert watched.after((FAILED, 0)) == OK
    assert watched.after((FAILED, 1)) == ALARM
    assert watched.after(periods=3) == OK


def test_parked_keys_by_the_functions_own_lines() -> None:
    """WriteCdc parks, the migration stops for days, and Drain's look tells that nothing is parked any more."""
    migration = Migration()
    _prepared("Drain", migration)
    judged, look = alarm("ParkedKeys"), Caller(migration, drain.run)

    def state(before: str) -> str:
        migration.clock.sleep(PERIOD)
        return migration.watch.state(judged, migration.clock(), before)

    look.once()
    assert state(INSUFFICIENT_DATA) == OK
    applying = Applying(migration, opened=True)
    applying.change(PUT, "a", 1, city={"N": "1"})
    applying.run()
    assert state(OK) == ALARM
    migration.clock.sleep(3 * DAY)
    assert state(ALARM) == ALARM
    look.once()
    assert state(ALARM) == ALARM
    applying.put_source("a", city={"S": "Graz"})
    applying.reread("a")
    applying.run()
    look.once()
    assert state(ALARM) == OK


@pytest.mark.parametrize(
    ("name", "metric", "line", "periods"),
    [
        ("ReverseStreamLag", REVERSE_STREAM, 900_000, 3),
        ("ReverseQueueAge", REVERSE_AGE, 900, 3),
        ("ReverseDeadLetters", REVERSE_DEAD, 0, 1),
        ("DestinationChangedAfterRollBack", AFTER_ROLL_BACK, 0, 1),
    ],
)
def test_the_way_back_is_watched(name: str, metric: Any, line: float, periods: int) -> None:
    watched = Watched(name)
    assert watched.after((metric, line), periods=4) == OK
    for _ in range(periods - 1):
        assert watched.after((metric, line + 1)) == OK
    assert watched.after((metric, line + 1)) == ALARM
    assert watched.after((metric, line)) == OK


def test_there_are_these_alarms() -> None:
    assert {name.removeprefix("Alarms") for name in resources_of(default_template(), KIND)} == ALARMS
    found = {name.removeprefix("Alarms") for name in resources_of(template_with_way_back(), KIND)}
    assert found == ALARMS | OF_WAY_BACK


@pytest.mark.parametrize("name", sorted(ALARMS | OF_WAY_BACK))
def test_every_text_names_the_migration_and_its_section_in_the_docs(name: str) -> None:
    text = alarm(name)["AlarmDescription"]
    # CloudWatch API, PutMetricAlarm: AlarmDescription.
    assert len(text) <= 1024
    assert text.startswith("Migration Orders/OrdersMigration: ")
    assert text.endswith(f"More: docs/alarms.md, {name}.")
    assert f"\n## {name}\n" in DOCS.read_text()


def test_the_docs_have_no_section_of_another_alarm() -> None:
    assert set(re.findall(r"^## (\w+)$", DOCS.read_text(), re.MULTILINE)) == ALARMS | OF_WAY_BACK


def test_without_a_topic_nobody_is_told() -> None:
    for found in resources_of(default_template(), KIND).values():
        assert not {"AlarmActions", "OKActions", "InsufficientDataActions"} & set(found["Properties"])


@pytest.mark.parametrize("days", [1, 14])
def test_change_retention_sets_the_lines(days: int) -> None:
    template = template_with(change_retention=Duration.days(days))
    lines = [properties(template, KIND, f"Alarms{name}")["Threshold"] for name in ("QueueAge", "DrainForecast")]
    assert lines == [days * DAY / 2, days * DAY]


def test_half_of_a_retention_that_only_the_deployment_knows() -> None:
    stack = new_stack()
    number: Callable[[str], Any] = lambda id: CfnParameter(stack, id, type="Number").value_as_number  # noqa: E731
    migrate(stack, change_retention=Duration.seconds(number("Retention")))
    judged = plain(properties(template_of(stack), KIND, "AlarmsQueueAge"))
    assert judged["Threshold"] == "<Retention>"
    watch = CloudWatch()
    watch.put(*AGE, at=0, value=DAY)
    assert watch.state({**judged, "Threshold": 2 * DAY - 1}, PERIOD) == ALARM
    assert watch.state({**judged, "Threshold": 2 * DAY}, PERIOD) == OK
