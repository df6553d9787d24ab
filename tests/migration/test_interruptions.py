"""Executions that are stopped and started again, given up and begun anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import READY, Trial

STATES = (
    "SetupCheck",
    "StartCapture",
    "Settle",
    "ChooseBulkLoad",
    "DirectMigrationJob",
    "Barrier",
    "EnableTrigger",
    "Drain",
)
ITEMS = 2000


@pytest.mark.slow
def test_an_execution_stopped_in_each_state_goes_on_where_it_was(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(ITEMS)
    epochs = set()
    with trial.writers(keys=ITEMS):
        for state in STATES:
            execution = trial.start()
            trial.until(execution, state)
            trial.stop(execution)
            epochs.add(trial.record().get("epoch") if state != "SetupCheck" else None)
        trial.run()
    trial.require_equal()
    # The stop in StartCapture may come before or after the epoch was opened; there is never a second one.
    assert len(epochs - {None}) == 1
    # A page that was under way when its run was stopped is read again, and nothing else.
    assert trial.checkpoint_total("items_read") <= ITEMS * 1.25


@pytest.mark.slow
def test_a_start_after_an_abort_is_refused_until_the_destination_is_empty_and_then_ends_equal(
    aws: EmbeddedAws, assembly: Path
) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(200)
    with trial.writers():
        execution = trial.start()
        trial.until(execution, "Drain")
        trial.abort()
        assert trial.status(execution)["status"] == "ABORTED"
        refused = trial.finish(trial.start())
        assert refused["error"] == "SetupCheckFailed"
        assert "destination-not-empty" in refused["cause"]
        trial.empty_destination()
        trial.run()
    trial.require_equal()


@pytest.mark.slow
def test_an_abort_in_mid_load_stops_the_job_and_leaves_no_mapping(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(1000)
    execution = trial.start()
    trial.until(execution, "DirectMigrationJob")
    trial.abort()
    assert aws.client("lambda").list_event_source_mappings()["EventSourceMappings"] == []
    job = aws.client("glue").get_jobs()["Jobs"]
    runs = [run for found in job for run in aws.client("glue").get_job_runs(JobName=found["Name"])["JobRuns"]]
    assert {run["JobRunState"] for run in runs} <= {"STOPPED", "FAILED"}
    assert trial.record()["status"] == "closed"


@pytest.mark.slow
def test_a_second_execution_is_refused_while_the_first_runs(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(50)
    first = trial.start()
    trial.until(first, "Settle")
    second = trial.finish(trial.start())
    assert "already-running" in second["cause"]
    assert first in second["cause"]
    assert trial.finish(first)["status"] == READY
    trial.require_equal()
