"""The emptying of the migration bucket, or of a part of it."""

from __future__ import annotations

from typing import Any


def empty(s3: Any, bucket: str, prefix: str = "") -> None:
    """Delete every object of the bucket whose key begins so, a page of a thousand at a time.

    All versions of it: a team's rules may have switched versioning on, and a bucket that keeps versions cannot go.

    Raises RuntimeError with the first failure that S3 reports.
    """
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        versions = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in found]
        if not versions:
            continue
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
        for failure in answer.get("Errors", []):
            raise RuntimeError(f"S3 kept an object of {bucket}: {failure['Code']}: {failure['Message']}")
