"""Deployments and deletions while a migration runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddb_migration_construct.rehearsal.deployment import DeploymentFailed, deploy, destroy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import READY, Trial


@pytest.mark.slow
def test_renaming_the_construct_in_mid_run_is_refused_and_nothing_is_lost(
    aws: EmbeddedAws, assembly: Path, tmp_path: Path
) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(200)
    renamed = synthesise(tmp_path / "renamed", ids=("Renamed",))
    with trial.writers():
        execution = trial.start()
        trial.until(execution, "Settle")
        with pytest.raises(DeploymentFailed, match=r"ddb-migration abort Trial/Orders") as refused:
            deploy(aws, renamed, STACK)
        assert "force_delete=True" in str(refused.value)
        assert trial.finish(execution)["status"] == READY
    trial.require_equal()


@pytest.mark.slow
def test_the_construct_may_be_renamed_after_an_abort(aws: EmbeddedAws, assembly: Path, tmp_path: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.until(trial.start(), "Settle")
    trial.abort()
    outputs = deploy(aws, synthesise(tmp_path / "renamed", ids=("Renamed",)), STACK)
    renamed = Trial(aws, outputs, "Renamed")
    renamed.fill(50)
    renamed.run()
    renamed.require_equal()


@pytest.mark.slow
def test_changing_max_workers_in_mid_run_disturbs_nothing(aws: EmbeddedAws, assembly: Path, tmp_path: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(500)
    wider = synthesise(tmp_path / "wider", max_workers=8)
    with trial.writers():
        execution = trial.start()
        trial.until(execution, "Settle")
        deploy(aws, wider, STACK)
        assert trial.finish(execution)["status"] == READY
    trial.require_equal()
    jobs = aws.client("glue").get_jobs()["Jobs"]
    assert {job["NumberOfWorkers"] for job in jobs} == {8}


@pytest.mark.slow
def test_a_stack_deleted_after_an_abort_leaves_no_mapping_no_function_and_no_object(
    aws: EmbeddedAws, assembly: Path
) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(50)
    trial.run()
    s3 = aws.client("s3")
    bucket = next(found["Name"] for found in s3.list_buckets()["Buckets"] if "migrationbucket" in found["Name"])
    s3.put_object(Bucket=bucket, Key="export/left-over", Body=b"x")
    trial.abort()
    destroy(aws, STACK)
    functions = aws.client("lambda")
    assert functions.list_event_source_mappings()["EventSourceMappings"] == []
    assert functions.list_functions()["Functions"] == []
    assert bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]
    assert aws.client("ssm").get_parameters_by_path(Path="/ddb-migration", Recursive=True)["Parameters"] == []


@pytest.mark.slow
def test_a_stack_deleted_in_mid_run_ends_the_migration_first(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(50)
    execution = trial.start()
    trial.until(execution, "Drain")
    destroy(aws, STACK)
    assert trial.status(execution)["status"] == "ABORTED"
    functions = aws.client("lambda")
    assert functions.list_event_source_mappings()["EventSourceMappings"] == []
    assert functions.list_functions()["Functions"] == []


@pytest.mark.slow
def test_two_migrations_of_one_stack_do_not_disturb_each_other(aws: EmbeddedAws, assembly: Path) -> None:
    outputs = deploy(aws, synthesise(assembly, ids=("Orders", "Customers")), STACK)
    trials = [Trial(aws, outputs, "Orders", 0), Trial(aws, outputs, "Customers", 1)]
    for number, trial in enumerate(trials):
        trial.fill(100 + 100 * number)
    with trials[0].writers(), trials[1].writers():
        executions = [trial.start() for trial in trials]
        for trial, execution in zip(trials, executions, strict=True):
            assert trial.finish(execution)["status"] == READY
    for trial in trials:
        trial.require_equal()
