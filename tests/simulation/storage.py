"""Simulated Parameter Store and S3, as far as a migration uses them, and the export that DynamoDB writes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from tests.simulation.database import Database
from tests.simulation.failures import refused
from tests.simulation.services import Calls, Paginator
from tests.simulation.tables import Item, event_form


class ParameterClient:
    """The client `ssm`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._values: dict[str, str] = {}

    def get_parameter(self, Name: str) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            if Name not in self._values:
                raise refused("ParameterNotFound", Name, "GetParameter")
            return {"Parameter": {"Value": self._values[Name]}}

        return self._calls.make("GetParameter", effect)

    def put_parameter(self, Name: str, Type: str, Value: str) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            if Name in self._values:
                raise refused("ParameterAlreadyExists", Name, "PutParameter")
            self._values[Name] = Value
            return {}

        return self._calls.make("PutParameter", effect)

    def delete_parameter(self, Name: str) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            self._values.pop(Name, None)
            return {}

        return self._calls.make("DeleteParameter", effect)


class BucketClient:
    """The client `s3`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.objects: dict[str, bytes] = {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            if Key not in self.objects:
                raise refused("NoSuchKey", Key, "GetObject", 404)
            return {"Body": _Body(self.objects[Key])}

        return self._calls.make("GetObject", effect)

    def put_object(self, **request: Any) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            self.objects[request["Key"]] = request["Body"]
            return {}

        return self._calls.make("PutObject", effect)

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator({"list_objects_v2": self._list, "list_object_versions": self._list_versions}[operation])

    def _list(self, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("ListObjectsV2", lambda: {"Contents": self._found(Prefix)})

    def _list_versions(self, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("ListObjectVersions", lambda: {"Versions": self._found(Prefix)})

    def _found(self, prefix: str) -> list[dict[str, Any]]:
        found = ((key, body) for key, body in self.objects.items() if key.startswith(prefix))
        return [{"Key": key, "Size": len(body), "VersionId": "null"} for key, body in found]

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            for entry in Delete["Objects"]:
                self.objects.pop(entry["Key"], None)
            return {}

        return self._calls.make("DeleteObjects", effect)


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        yield self._content


class Export:
    """Exports the source as of a moment: each item as it stood within a minute of it."""

    def __init__(self, database: Database, bucket: BucketClient, draws: Any) -> None:
        self._database = database
        self._bucket = bucket
        self._draws = draws

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Serve ExportTableToPointInTime; a client token names one export."""
        exports = self._database.exports
        arn = f"arn:aws:dynamodb:::export/{request['ClientToken']}"
        if arn not in exports:
            prefix = f"{request['S3Prefix']}/{len(exports)}"
            exports[arn] = {
                "ExportArn": arn,
                "ExportStatus": "IN_PROGRESS",
                "ExportManifest": f"{prefix}/manifest.json",
            }
            moment = request["ExportTime"].timestamp()
            self._database.kernel.after(self._draws.uniform(300, 7200), lambda: self._write(arn, prefix, moment))
        return dict(exports[arn])

    def _write(self, arn: str, prefix: str, moment: float) -> None:
        history = self._database.source.history
        torn = (self._database.source.as_of(key, moment + self._draws.uniform(-60, 60)) for key in sorted(history))
        items = [item for item in torn if item is not None]
        rows = [self._file(f"{prefix}/data/{part}.json.gz", items[part::3]) for part in range(3)]
        self._bucket.objects[f"{prefix}/files.json"] = "\n".join(map(json.dumps, rows)).encode()
        summary = {"exportArn": arn, "itemCount": len(items), "manifestFilesS3Key": f"{prefix}/files.json"}
        self._bucket.objects[f"{prefix}/manifest.json"] = json.dumps(summary).encode()
        self._database.exports[arn]["ExportStatus"] = "COMPLETED"

    def _file(self, key: str, items: list[Item]) -> dict[str, Any]:
        lines = "".join(json.dumps({"Item": event_form(item)}) + "\n" for item in items)
        content = gzip.compress(lines.encode(), 1, mtime=0)
        self._bucket.objects[key] = content
        checksum = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
        return {"itemCount": len(items), "md5Checksum": checksum, "dataFileS3Key": key}
