"""Reports of verify passes, and fakes of the S3 and Glue clients that the commands use."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

from ddb_migration.core.verify_report import Difference, Found, Repairs, Segment, TableCount, VerifyReport
from tests.cli.fakes import FakePaginator


def report_text(*differences: Difference, repaired: int = 0, sampled: float | None = None) -> str:
    """The text of a report that found these differences."""
    found = Found(**{kind: sum(one.kind == kind for one in differences) for kind in ("missing", "extra", "different")})
    return VerifyReport(
        epoch="e1",
        pass_id="1",
        stream_arn="arn:stream",
        began_at=1_790_000_000.0,
        ended_at=1_790_000_100.0,
        source=TableCount("arn:aws:dynamodb:us-east-1:1:table/old", 100, 50.0),
        destination=TableCount("arn:aws:dynamodb:us-east-1:1:table/new", 100, 50.0),
        segments_planned=1,
        segments=(Segment(0, 0, 100, 100, "00" * 16, "00" * 16),),
        found=found,
        differences=differences,
        sampled=sampled,
        repairs=Repairs(repaired=repaired),
    ).to_text()


class FakeS3:
    """Objects by key."""

    class exceptions:  # noqa: N801  boto3's own name
        """Errors as boto3's client has them."""

        class NoSuchKey(Exception):
            """There is no such object."""

    def __init__(self, objects: dict[str, str] | None = None) -> None:
        self.objects = objects or {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        assert Bucket == "bucket"
        if Key not in self.objects:
            raise self.exceptions.NoSuchKey
        return {"Body": io.BytesIO(self.objects[Key].encode())}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        found = [{"Key": key} for key in self.objects if key.startswith(Prefix)]
        return FakePaginator([{"Contents": found}] if found else [{}]).paginate()


class FakeGlue:
    """A job whose runs take the states given, one for each look; `ended` is told of each run's arguments."""

    class exceptions:  # noqa: N801  boto3's own name
        """Errors as boto3's client has them."""

        class ConcurrentRunsExceededException(Exception):
            """A run is under way."""

    def __init__(self, *states: str, ended: Callable[[dict[str, str]], None], busy: bool = False) -> None:
        self.started: list[dict[str, str]] = []
        self._states, self._ended, self._busy = states, ended, busy
        self._left: list[str] = []

    def start_job_run(self, JobName: str, Arguments: dict[str, str]) -> dict[str, str]:  # noqa: N803
        assert JobName == "verify-job"
        if self._busy:
            raise self.exceptions.ConcurrentRunsExceededException
        self.started.append(Arguments)
        self._left = list(self._states)
        return {"JobRunId": "jr_1"}

    def get_job_run(self, JobName: str, RunId: str) -> dict[str, Any]:  # noqa: N803
        state = self._left.pop(0)
        if state == "SUCCEEDED":
            self._ended(self.started[-1])
        return {"JobRun": {"JobRunState": state, "ErrorMessage": "MigrationStopped: the migration is closed"}}


def plan_text(segments: int, sampled: float | None = None) -> str:
    """The text of a plan."""
    return json.dumps({"began_at": 1.0, "segments": segments, "tasks": 1, "sampled": sampled})
