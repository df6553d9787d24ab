"""The emptying of the migration bucket, or of a part of it."""

from __future__ import annotations

from typing import Any


def empty(s3: Any, bucket: str, prefix: str = "") -> None:
    """Delete every object of the bucket whose key begins so, a page of a thousand at a time.

    Raises RuntimeError with the first failure that S3 reports.
    """
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        keys = [{"Key": entry["Key"]} for entry in page.get("Contents", [])]
        if not keys:
            continue
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        for failure in answer.get("Errors", []):
            raise RuntimeError(f"S3 kept an object of {bucket}: {failure['Code']}: {failure['Message']}")
