"""The objects of verify passes in the migration bucket, as far as the commands read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ddb_migration_construct._runtime import names


@dataclass(frozen=True)
class Pass:
    """One pass of one epoch; `s3` is a client."""

    s3: Any
    bucket: str
    epoch: str
    pass_id: str

    def report(self) -> dict[str, Any] | None:
        """Return the pass's report, None before it has ended."""
        return self._read("report.json")

    def progress(self) -> str:
        """Return in words how many segments are compared, nothing before that is known."""
        plan = self._read("plan.json")
        if plan is None:
            return ""
        total = plan["segments"] if plan["sampled"] is None else max(1, round(plan["segments"] * plan["sampled"]))
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"{self._prefix}segments/")
        return f", {sum(len(page.get('Contents', [])) for page in pages)} of {total} segments compared"

    @property
    def _prefix(self) -> str:
        return f"{names.VERIFY_PREFIX}{self.epoch}/{self.pass_id}/"

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            content = self.s3.get_object(Bucket=self.bucket, Key=self._prefix + name)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None
        found: dict[str, Any] = json.loads(content)
        return found


def standing(report: dict[str, Any]) -> int:
    """Return how many differences of a pass's report still stand."""
    found, repairs = report["found"], report["repairs"]
    return int(found["missing"] + found["extra"] + found["different"] - repairs["repaired"] - repairs["listed"])


def excepted(report: dict[str, Any]) -> int:
    """Return how many keys differ that are parked, or accepted as they are: a pass counts them apart."""
    found = report["found"]
    return int(found["parked"] + found["accepted"] + report["repairs"]["listed"])
