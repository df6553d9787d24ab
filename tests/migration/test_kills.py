"""Functions and jobs that are killed in mid-run: the migration goes on, and ends equal."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from aws_cdk import Size

from ddb_migration.names import DIRECT_MIGRATION_JOB_STATE, LARGE_MIGRATION_JOB_STATE
from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.trial import AT_MOST_SECONDS, READY, Trial

FUNCTION_KILLS = 4
JOB_ITEMS = 3000
# Slow enough that some units are done while others are not.
JOB_WRITES = 300


def processes(of_interest: Callable[[psutil.Process], bool]) -> Iterator[psutil.Process]:
    """Yield the processes below this one for which the question is answered with yes."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            if of_interest(process):
                yield process


def kill(process: psutil.Process) -> None:
    """Kill a process and everything below it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


def kill_function(trial: Trial, part: str) -> None:
    """Kill workers of a function, one after the other as they come, and while they work for the most part."""
    functions = trial.aws.client("lambda").list_functions()["Functions"]
    (name,) = [found["FunctionName"] for found in functions if part in found["FunctionName"]]
    limit, killed = time.monotonic() + AT_MOST_SECONDS, 0
    while killed < FUNCTION_KILLS:
        assert time.monotonic() < limit, f"{part} was killed {killed} times only"
        for worker in processes(lambda one: one.environ().get("AWS_LAMBDA_FUNCTION_NAME") == name):
            time.sleep(0.1)
            kill(worker)
            killed += 1
        time.sleep(0.05)


def kill_job(trial: Trial) -> int:
    """Kill the driver of the one running job, and its JVM, once units are done; return how many there are then."""
    limit = time.monotonic() + AT_MOST_SECONDS
    while not trial.units_done():
        assert time.monotonic() < limit, "no unit of the job was done"
        time.sleep(0.01)
    drivers = list(processes(lambda one: "--JOB_RUN_ID" in one.cmdline()))
    assert drivers, "the job had ended already"
    kill(drivers[0])
    return trial.units_done()


@pytest.mark.slow
@pytest.mark.parametrize(("part", "state"), [("StreamProcessor", "Settle"), ("WriteCdc", "Drain")])
def test_a_function_killed_in_mid_run_loses_nothing(aws: EmbeddedAws, assembly: Path, part: str, state: str) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(200)
    with trial.writers(keys=200):
        execution = trial.start()
        trial.until(execution, state)
        kill_function(trial, part)
        found = trial.finish(execution)
        assert found["status"] == READY, found.get("cause")
    trial.require_equal()


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["direct", "large"])
def test_a_job_killed_in_mid_run_goes_on_where_it_was(aws: EmbeddedAws, assembly: Path, mode: str) -> None:
    threshold = Size.gibibytes(0 if mode == "large" else 80)
    app = synthesise(assembly, size_threshold=threshold, max_write_units_per_second=JOB_WRITES)
    trial = Trial(aws, deploy(aws, app, STACK))
    trial.fill(JOB_ITEMS)
    with trial.writers(per_second=20, keys=JOB_ITEMS):
        execution = trial.start()
        trial.until(execution, LARGE_MIGRATION_JOB_STATE if mode == "large" else DIRECT_MIGRATION_JOB_STATE)
        done = kill_job(trial)
        found = trial.finish(execution)
        assert found["status"] == READY, found.get("cause")
    trial.require_equal()
    jobs = [job for job in aws.client("glue").get_jobs()["Jobs"] if "VerifyJob" not in job["Name"]]
    runs = [run for job in jobs for run in aws.client("glue").get_job_runs(JobName=job["Name"])["JobRuns"]]
    assert sorted(run["JobRunState"] for run in runs) == ["FAILED", "SUCCEEDED"]
    (second,) = [run["Id"] for run in runs if run["JobRunState"] == "SUCCEEDED"]
    assert 0 < done == skipped_units(aws, second) < trial.units_done()


def skipped_units(aws: EmbeddedAws, run: str) -> int:
    """Return how many units a run's tasks found done when they began, by the last line that each told."""
    (log,) = aws.work_dir.rglob(f"{run}/run.log")
    told = re.findall(r"(\d+) of (\d+) units \((\d+) done before\)", log.read_text())
    return sum(int(skipped) for done, units, skipped in told if done == units)
