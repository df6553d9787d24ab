"""An operator pauses, resumes and dials a deployed migration whose roles are enforced."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.cli.pause import pause_one
from ddb_migration_construct.cli.rate import WRITES, rate_one
from ddb_migration_construct.cli.reading import Reader
from ddb_migration_construct.cli.resume import resume_one
from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import READY, Trial

ANN = "arn:aws:iam::123456789012:user/ann"
# Tasks read the record every second, and what is in flight then ends.
STOPPED_AFTER_SECONDS = 4.0
ITEMS = 1200


def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.2)


def receive_counts(aws: EmbeddedAws, queue: str) -> dict[str, int]:
    """Receive some messages, leave them where they are, and return how often each was received, this time too."""
    answer = aws.client("sqs").receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0, AttributeNames=["ApproximateReceiveCount"]
    )
    return {one["MessageId"]: int(one["Attributes"]["ApproximateReceiveCount"]) for one in answer.get("Messages", [])}


def pause_bulk_load(trial: Trial, functions: Any) -> None:
    """Pause in the middle of the bulk load, see that nothing is written, and resume."""
    until(lambda: "epoch" in _record(trial) and trial.checkpoint_total("items_written") > 0)
    pause_one(functions, trial.migration, ANN)
    time.sleep(STOPPED_AFTER_SECONDS)
    written = len(trial.items(trial.destination))
    time.sleep(5)
    assert len(trial.items(trial.destination)) == written < ITEMS
    resume_one(functions, trial.migration)


def pause_apply(trial: Trial, functions: Any) -> None:
    """Pause in the middle of apply, see that nothing is written nor received, and resume."""
    assert pause_one(functions, trial.migration, ANN).values["mapping"] == "Disabled"
    before = trial.items(trial.destination)
    time.sleep(6)
    assert trial.items(trial.destination) == before
    first = receive_counts(trial.aws, trial.migration.change_queue)
    assert first
    time.sleep(4)
    second = receive_counts(trial.aws, trial.migration.change_queue)
    assert {message: second.get(message) for message in first} == {name: count + 1 for name, count in first.items()}
    found = Reader(trial.stepfunctions, trial.dynamodb, trial.aws.client("sqs")).read(trial.migration)
    assert str(found.trouble).startswith("paused by user/ann")
    resume_one(functions, trial.migration)


@pytest.mark.slow
def test_a_pause_in_bulk_load_and_in_apply_stops_everything_and_loses_nothing(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly, max_write_units_per_second=100), STACK))
    trial.fill(ITEMS)
    functions = aws.client("lambda")
    with trial.writers(per_second=10):
        execution = trial.start()
        pause_bulk_load(trial, functions)
        trial.until(execution, "Drain")
        pause_apply(trial, functions)
        assert trial.status(execution)["status"] == "RUNNING"
    assert trial.finish(execution)["status"] == READY
    trial.require_equal()


def _record(trial: Trial) -> dict[str, Any]:
    key = {"pk": {"S": "migration"}, "sk": {"S": "record"}}
    answer = trial.dynamodb.get_item(TableName=trial.migration.control_table, Key=key, ConsistentRead=True)
    item: dict[str, Any] = answer.get("Item", {})
    return item


def shown_rate(trial: Trial, seconds: float) -> float:
    """Return the mean of the rates that `status` shows in some seconds."""
    reader, shown, limit = (
        Reader(trial.stepfunctions, trial.dynamodb, trial.aws.client("sqs")),
        list[float](),
        time.monotonic(),
    )
    while not shown or time.monotonic() < limit + seconds:
        rate = reader.read(trial.migration).load_rate
        assert rate is not None
        shown.append(rate)
        time.sleep(1)
    return sum(shown) / len(shown)


@pytest.mark.slow
def test_the_measured_rate_follows_the_dial_within_ten_seconds(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly, max_write_units_per_second=160), STACK))
    # Two of four tasks run at once here, and between two of them nothing is written: so many items that the first two
    # outlast what is measured.
    trial.fill(12_000)
    reader = Reader(trial.stepfunctions, trial.dynamodb, aws.client("sqs"))
    execution = trial.start()
    until(lambda: "epoch" in _record(trial) and (reader.read(trial.migration).load_rate or 0) > 0)
    time.sleep(5)
    before = shown_rate(trial, 4)
    rate_one(aws.client("lambda"), trial.migration, {WRITES: 80})
    time.sleep(10)
    after = shown_rate(trial, 4)
    # An item costs one unit. Requests are of up to 25 items, so a task's five seconds are some requests only.
    assert 110 < before < 190
    assert 50 < after < 105
    rate_one(aws.client("lambda"), trial.migration, {WRITES: None})
    # 12,000 changes drain at some dozens a second where other things run too.
    assert trial.finish(execution, at_most_seconds=900)["status"] == READY
    trial.require_equal()
