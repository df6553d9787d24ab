"""VerifyJob under Spark, killed half way and started again: it tells what a run that nobody disturbed tells."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ddb_migration.aws.verify_objects import VerifyObjects
from ddb_migration.core.verify_report import DIFFERENT, UNEQUAL, VerifyReport
from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.apps import STACK, synthesise
from tests.migration.test_kills import kill, processes
from tests.migration.trial import AT_MOST_SECONDS, READY, Trial

ITEMS = 3000
LOADING_SECONDS = 300.0
ALTERED = "k1234"
SETTLE_SECONDS = "2"


@dataclass
class Verifying:
    """Passes by hand over the tables of one migration."""

    trial: Trial

    def start(self, name: str) -> str:
        arguments = {"--epoch": self.trial.record()["epoch"], "--pass_id": name, "--settle_seconds": SETTLE_SECONDS}
        job = self.trial.migration.verify_job
        run: str = self.trial.aws.client("glue").start_job_run(JobName=job, Arguments=arguments)["JobRunId"]
        return run

    def end(self, run: str) -> str:
        limit = time.monotonic() + AT_MOST_SECONDS
        while (state := self._state(run)) in ("STARTING", "RUNNING", "STOPPING", "WAITING"):
            assert time.monotonic() < limit, "the job has not ended"
            time.sleep(0.2)
        return state

    def _state(self, run: str) -> str:
        job = self.trial.migration.verify_job
        state: str = self.trial.aws.client("glue").get_job_run(JobName=job, RunId=run)["JobRun"]["JobRunState"]
        return state

    def objects(self, name: str) -> VerifyObjects:
        bucket = self.trial.migration.bucket
        return VerifyObjects(self.trial.aws.client("s3"), bucket, self.trial.record()["epoch"], name)

    def report(self, name: str) -> VerifyReport:
        report = self.objects(name).report()
        assert report is not None
        return report

    def kill_half_way(self, name: str) -> int:
        """Kill the driver of the running job, and its JVM, once segments are done; return how many are."""
        objects, limit = self.objects(name), time.monotonic() + AT_MOST_SECONDS
        while not objects.done():
            assert time.monotonic() < limit, "no segment was done"
            time.sleep(0.05)
        drivers = list(processes(lambda one: "--JOB_RUN_ID" in one.cmdline()))
        assert drivers, "the job had ended already"
        kill(drivers[0])
        return len(objects.done())


def told(report: VerifyReport) -> dict[str, Any]:
    """Return all of a report that does not depend on when, and in how many runs, it was made."""
    names = ("verdict", "is_whole", "segments_planned", "segments", "found", "differences", "in_motion", "sampled")
    counts = {"items": (report.source.items, report.destination.items)}
    return {**{name: getattr(report, name) for name in names}, **counts}


@pytest.mark.slow
def test_a_verify_job_killed_half_way_tells_the_same(aws: EmbeddedAws, assembly: Path) -> None:
    trial = Trial(aws, deploy(aws, synthesise(assembly), STACK))
    trial.fill(ITEMS)
    execution = trial.start()
    assert trial.finish(execution, LOADING_SECONDS)["status"] == READY
    # While it waits for the operator it compares changed keys, and would put the altered one right.
    trial.stop(execution)
    trial.require_equal()
    altered = {**trial.items(trial.destination)[ALTERED], "bytes": {"B": b"\x00"}}
    trial.dynamodb.put_item(TableName=trial.destination, Item=altered)
    verifying = Verifying(trial)
    assert verifying.end(verifying.start("undisturbed")) == "SUCCEEDED"
    whole = verifying.report("undisturbed")
    # The counts of both tables are the same, and still the one altered item is found.
    assert (whole.source.items, whole.destination.items, whole.verdict) == (ITEMS, ITEMS, UNEQUAL)
    assert [(row.kind, row.key, row.attributes) for row in whole.differences] == [
        (DIFFERENT, {"pk": {"S": ALTERED}}, ("bytes",))
    ]
    run = verifying.start("killed")
    done = verifying.kill_half_way("killed")
    assert verifying.end(run) == "FAILED"
    assert verifying.end(verifying.start("killed")) == "SUCCEEDED"
    again = verifying.report("killed")
    assert told(again) == told(whole)
    assert 0 < done <= again.units_skipped <= again.segments_planned
