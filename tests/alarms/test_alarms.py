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
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.change import PUT
from ddb_migration_construct.validation import LONGEST_NAME
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
from tests.functions.cutting import Cutting
from tests.functions.migration import Caller, Migration
from tests.functions.rolling import Rolling, cut_over
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
OF_WAY_BACK = {
    *("ReverseStreamLag", "ReverseQueueAge", "ReverseDeadLetters", "ReverseParkedKeys"),
    "DestinationChangedAfterRollBack",
}
REVERSE = {"Migration": "Orders/OrdersMigration (reverse)"}
REVERSE_STREAM = ("AWS/Lambda", "IteratorAge", {"FunctionName": "<ReverseStreamProcessorFunction>"})
REVERSE_QUEUE = {"QueueName": "<ReverseChangeQueue.QueueName>"}
REVERSE_AGE = ("AWS/SQS", "ApproximateAgeOfOldestMessage", REVERSE_QUEUE)
REVERSE_DEAD_QUEUE = {"QueueName": "<ReverseChangeQueueDeadLetterQueue.QueueName>"}
REVERSE_DEAD = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", REVERSE_DEAD_QUEUE)
PARKED = (names.METRIC_NAMESPACE, "ParkedKeys", {"Migration": "Orders/OrdersMigration"})
REVERSE_PARKED = (names.METRIC_NAMESPACE, "ParkedKeys", REVERSE)
AFTER_ROLL_BACK = (names.METRIC_NAMESPACE, "SourceChangesAfterCutOver", REVERSE)
# What each alarm goes by, its line, and the periods above it after which it goes off.
LINES: dict[str, tuple[tuple[str, str, dict[str, str]], float, int]] = {
    "StreamLag": (STREAM, 15 * 60_000, 3),
    "StreamNearExpiry": (STREAM, 6 * 3_600_000, 3),
    "QueueAge": (AGE, 7 * DAY, 1),
    # While nothing is applied the forecast is the age.
    "DrainForecast": (AGE, 14 * DAY, 3),
    "DeadLetters": (DEAD, 0, 1),
    "ParkedKeys": (PARKED, 0, 1),
    "SourceChangedAfterCutOver": (AFTER_CUT_OVER, 0, 1),
    "MigrationFailed": (FAILED, 0, 1),
    "ReverseStreamLag": (REVERSE_STREAM, 15 * 60_000, 3),
    "ReverseQueueAge": (REVERSE_AGE, 15 * 60, 3),
    "ReverseDeadLetters": (REVERSE_DEAD, 0, 1),
    "ReverseParkedKeys": (REVERSE_PARKED, 0, 1),
    "DestinationChangedAfterRollBack": (AFTER_ROLL_BACK, 0, 1),
}


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


@pytest.mark.parametrize("name", sorted(ALARMS | OF_WAY_BACK))
def test_every_alarm_is_driven_over_its_line_and_back(name: str) -> None:
    watched, (metric, line, periods) = Watched(name), LINES[name]
    others = ((BACKLOG, 1.0), (APPLIED, 0.0)) if name == "DrainForecast" else ()
    assert watched.after((metric, line), *others, periods=4) == OK
    for _ in range(periods - 1):
        assert watched.after((metric, line + 1), *others) == OK
    assert watched.after((metric, line + 1), *others) == ALARM
    assert watched.after((metric, line), *others, periods=4) == OK


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


class Judged:
    """An alarm under what the functions tell."""

    def __init__(self, name: str, migration: Migration) -> None:
        self.alarm, self.migration, self.state = alarm(name), migration, INSUFFICIENT_DATA

    def later(self) -> str:
        """The alarm's state a period later."""
        self.migration.clock.sleep(PERIOD)
        self.state = self.migration.watch.state(self.alarm, self.migration.clock(), self.state)
        return self.state


def test_what_is_parked_while_the_operator_is_waited_for_is_settled_for_the_alarm_too() -> None:
    cutting = Cutting()
    judged = Judged("ParkedKeys", cutting.migration)
    marks, key = Watermarks(cutting.control.rows, cutting.migration.stream_arn, cutting.clock), {"pk": {"S": "a"}}
    cutting.ready()
    assert judged.later() == OK
    marks.park(key, "e1", "too odd")
    cutting.ready()
    assert judged.later() == ALARM
    assert judged.later() == ALARM
    assert marks.accept(key, "e1", "a test", "arn:ann")
    cutting.ready()
    assert judged.later() == OK


def test_what_is_parked_on_the_way_back_is_told_of_until_it_is_settled() -> None:
    rolling = cut_over(Rolling())
    judged, there = (Judged(name, rolling.migration) for name in ("ReverseParkedKeys", "ParkedKeys"))
    marks, key = Watermarks(rolling.control.rows, rolling.destination_stream, rolling.clock), {"pk": {"S": "a"}}
    rolling.waits()
    assert judged.later() == OK
    marks.park(key, str(rolling.reverse.read().epoch), "too odd")
    rolling.waits()
    assert judged.later() == ALARM
    assert marks.accept(key, str(rolling.reverse.read().epoch), "a test", "arn:ann")
    rolling.waits()
    assert (judged.later(), there.later()) == (OK, OK)


def test_there_are_these_alarms() -> None:
    assert {name.removeprefix("Alarms") for name in resources_of(default_template(), KIND)} == ALARMS
    found = {name.removeprefix("Alarms") for name in resources_of(template_with_way_back(), KIND)}
    assert found == ALARMS | OF_WAY_BACK


@pytest.mark.parametrize("name", sorted(ALARMS | OF_WAY_BACK))
def test_every_text_names_the_migration_and_its_section_in_the_docs(name: str) -> None:
    text = alarm(name)["AlarmDescription"]
    # CloudWatch API, PutMetricAlarm: AlarmDescription.
    assert len(text.replace("Orders/OrdersMigration", "N" * LONGEST_NAME)) <= 1024
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
