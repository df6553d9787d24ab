"""The files of an export to S3, in the documented layout."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
import uuid
from typing import Any

from .clients import root

_FULL_FILES = 4


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def _md5(content: bytes) -> bytes:
    """The checksum as the manifest has it, in base64."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest())


def _base(description: dict[str, Any]) -> str:
    prefix = (description.get("S3Prefix") or "").strip("/")
    folder = "AWSDynamoDB/" + description["ExportArn"].rsplit("/", 1)[-1]
    return f"{prefix}/{folder}" if prefix else folder


def _put(description: dict[str, Any], key: str, body: bytes) -> str:
    stored = root["s3"].put_object(Bucket=description["S3Bucket"], Key=key, Body=body)
    return str(stored["ETag"]).strip('"')


def _put_data_file(description: dict[str, Any], items: list[dict[str, Any]]) -> tuple[dict[str, Any], int]:
    lines = "".join(json.dumps({"Item": item}, separators=(",", ":")) + "\n" for item in items).encode()
    packed = gzip.compress(lines)
    key = f"{_base(description)}/data/{uuid.uuid4().hex[:26]}.json.gz"
    entry = {
        "itemCount": len(items),
        "md5Checksum": _md5(packed).decode(),
        "etag": _put(description, key, packed),
        "dataFileS3Key": key,
    }
    return entry, len(lines)


def _put_manifest(description: dict[str, Any], name: str, text: str) -> str:
    key = f"{_base(description)}/{name}"
    _put(description, f"{_base(description)}/{name.replace('.json', '.md5')}", _md5(text.encode()))
    _put(description, key, text.encode())
    return key


def _summary(description: dict[str, Any], files_key: str, items: int, size: int) -> str:
    return json.dumps(
        {
            "version": "2020-06-30",
            "exportArn": description["ExportArn"],
            "startTime": _moment(description["StartTime"]),
            "endTime": _moment(time.time()),
            "tableArn": description["TableArn"],
            "tableId": description.get("TableId"),
            "exportTime": _moment(description["ExportTime"]),
            "s3Bucket": description["S3Bucket"],
            "s3Prefix": description.get("S3Prefix"),
            "s3SseAlgorithm": description.get("S3SseAlgorithm", "AES256"),
            "s3SseKmsKeyId": description.get("S3SseKmsKeyId"),
            "manifestFilesS3Key": files_key,
            "billedSizeBytes": size,
            "itemCount": items,
            "outputFormat": "DYNAMODB_JSON",
            "exportType": "FULL_EXPORT",
        }
    )


def write_export(description: dict[str, Any], items: list[dict[str, Any]]) -> dict[str, Any]:
    """Write data files and manifests; return what DescribeExport says of them."""
    _put(description, f"{_base(description)}/_started", b"")
    # An empty partition gives an empty file.
    parts = [*(items[part::_FULL_FILES] for part in range(_FULL_FILES)), []]
    written = [_put_data_file(description, part) for part in parts]
    size = sum(count for _, count in written)
    listing = "".join(json.dumps(entry) + "\n" for entry, _ in written)
    files_key = _put_manifest(description, "manifest-files.json", listing)
    summary = _summary(description, files_key, len(items), size)
    return {
        "ExportManifest": _put_manifest(description, "manifest-summary.json", summary),
        "ItemCount": len(items),
        "BilledSizeBytes": size,
    }
