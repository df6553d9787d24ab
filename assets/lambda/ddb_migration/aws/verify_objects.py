"""The objects of one verify pass in the migration bucket: its plan, the segments that are done, and its report.

A segment's object is written when the segment is matched, so that a run that begins again does not read it again. It
holds counts and digests, and keys only of items that had no equal; all but the report is deleted when the pass ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.core import report_page
from ddb_migration.core.matching import Leftover, Matched
from ddb_migration.core.verify_plan import VerifyPlan
from ddb_migration.core.verify_report import VerifyReport, pass_prefix, report_key

_MISSING = ("NoSuchKey", "404")
# S3 API, DeleteObjects: at most 1,000 keys.
_DELETED_AT_ONCE = 1000


class VerifyObjects:
    """The objects of one pass; `client` is an S3 client."""

    def __init__(self, client: Any, bucket: str, epoch: str, pass_id: str) -> None:
        self._client, self._bucket = client, bucket
        self._prefix = pass_prefix(epoch, pass_id)
        self._report = report_key(epoch, pass_id)
        self._page = f"{self._prefix}report.html"

    def plan(self) -> VerifyPlan | None:
        """Return the plan, None before the pass has one."""
        text = self._get(self._prefix + "plan.json")
        return None if text is None else VerifyPlan.from_text(text)

    def keep_plan(self, plan: VerifyPlan) -> None:
        """Keep the plan."""
        self._put(self._prefix + "plan.json", plan.to_text())

    def report(self) -> VerifyReport | None:
        """Return the report, None before the pass has ended."""
        text = self._get(self._report)
        return None if text is None else VerifyReport.from_text(text)

    def keep_report(self, report: VerifyReport) -> None:
        """Keep the report, and the page made from it."""
        text = report.to_text()
        self._put(self._report, text)
        self._put(self._page, report_page.page({"verify": json.loads(text)}))

    def done(self) -> set[int]:
        """Return the segments that are done."""
        return {int(key.rpartition("/")[2].removesuffix(".json")) for key in self._keys("segments/")}

    def keep(self, matched: Matched) -> None:
        """Keep a segment."""
        self._put(self._segment(matched.segment), _to_text(matched))

    def matched(self, segment: int) -> Matched:
        """Return a segment that is done."""
        return _from_text(str(self._get(self._segment(segment))))

    def delete_work(self) -> None:
        """Delete all objects of the pass but its report and the page."""
        keys = [key for key in self._keys("") if key not in (self._report, self._page)]
        for first in range(0, len(keys), _DELETED_AT_ONCE):
            objects = [{"Key": key} for key in keys[first : first + _DELETED_AT_ONCE]]
            self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})

    def _segment(self, segment: int) -> str:
        return f"{self._prefix}segments/{segment:06d}.json"

    def _keys(self, under: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix + under)
        for page in pages:
            yield from (row["Key"] for row in page.get("Contents", []))

    def _put(self, key: str, text: str) -> None:
        kind = "text/html; charset=utf-8" if key == self._page else "application/json"
        self._client.put_object(Bucket=self._bucket, Key=key, Body=text.encode(), ContentType=kind)

    def _get(self, key: str) -> str | None:
        try:
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if code(error) not in _MISSING:
                raise
            return None
        return content.decode()


def _to_text(matched: Matched) -> str:
    leftovers = [[left.side, left.digest.hex(), left.key] for left in matched.leftovers]
    return json.dumps({**vars(matched), "leftovers": leftovers}, separators=(",", ":"))


def _from_text(text: str) -> Matched:
    told = json.loads(text)
    leftovers = tuple(Leftover(side, bytes.fromhex(digest), key) for side, digest, key in told["leftovers"])
    pairs = {name: tuple(told[name]) for name in ("items", "digests", "read_units")}
    return Matched(segment=told["segment"], leftovers=leftovers, **pairs)
