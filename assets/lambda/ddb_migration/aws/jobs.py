"""Runs of the two Glue jobs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code

# Glue API, JobRunState: in these a run may still write.
LIVE_STATES = ("STARTING", "RUNNING", "STOPPING", "WAITING")


class Jobs:
    """The Glue jobs of one migration, by name."""

    def __init__(self, client: Any, names: Iterable[str]) -> None:
        self._client = client
        self._names = tuple(names)

    def live_runs(self) -> list[tuple[str, str]]:
        """Return (job, run id) of every run that may still write."""
        return [(name, run["Id"]) for name in self._names for run in self._runs(name) if _is_live(run)]

    def stop(self) -> None:
        """Ask every run to stop; Glue calls this best effort, so look at `live_runs` afterwards."""
        for name, run in self.live_runs():
            self._client.batch_stop_job_run(JobName=name, JobRunIds=[run])

    def _runs(self, name: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("get_job_runs").paginate(JobName=name)
        try:
            return [run for page in pages for run in page["JobRuns"]]
        except ClientError as error:
            # A job that somebody deleted has no runs, and must not keep a migration from being given up.
            if code(error) != "EntityNotFoundException":
                raise
            return []


def _is_live(run: dict[str, Any]) -> bool:
    return run["JobRunState"] in LIVE_STATES
