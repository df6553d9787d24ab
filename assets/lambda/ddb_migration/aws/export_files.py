"""The files of an export in S3, believed only as far as the manifest proves them.

Layout and members: DynamoDB Developer Guide, "DynamoDB table export output format".
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.core.attribute_values import with_bytes

_BLOCK = 1024 * 1024
# The guide calls them *.checksum; the objects that DynamoDB writes are *.md5. Either may be absent.
_CHECKSUMS = (".md5", ".checksum")


class ExportDamaged(Exception):
    """A file of the export is not what the manifest says; the text names it."""


@dataclass(frozen=True)
class ExportFile:
    """One data file: its place in the manifest, S3 key, item count and base64 MD5."""

    position: int
    key: str
    item_count: int
    md5: str

    @property
    def unit(self) -> str:
        """Return the checkpoint's name of this file."""
        return f"file#{self.position:06d}"


class ExportFiles:
    """Reads an export from one bucket."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def listed(self, manifest: str, export_arn: str) -> list[ExportFile]:
        """Return the data files that the manifest lists, in its order.

        Raises ExportDamaged when manifest and summary contradict each other or belong to another export.
        """
        summary = json.loads(self._checked(manifest))
        if summary["exportArn"] != export_arn:
            raise ExportDamaged(f"{manifest} is of the export {summary['exportArn']}, not of {export_arn}")
        lines = self._checked(summary["manifestFilesS3Key"]).splitlines()
        files = [_file(position, json.loads(line)) for position, line in enumerate(filter(None, lines))]
        listed = sum(file.item_count for file in files)
        if listed != summary["itemCount"]:
            raise ExportDamaged(
                f"{summary['manifestFilesS3Key']} lists {listed} items and {manifest} says {summary['itemCount']}"
            )
        return files

    def items(self, file: ExportFile, start: int, step: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        """Yield (position of the first, items) in steps from item `start`; DynamoDB JSON with bytes.

        The file's MD5 is checked before its first item, its count after its last; raises ExportDamaged.
        """
        with tempfile.TemporaryFile() as body:
            self._download(file, body)
            with gzip.open(body) as lines:
                position = sum(1 for _ in islice(lines, start))
                while batch := [_item(line) for line in islice(lines, step)]:
                    yield position, batch
                    position += len(batch)
        if position != file.item_count:
            raise ExportDamaged(f"{file.key} holds {position} items and the manifest says {file.item_count}")

    def _download(self, file: ExportFile, body: IO[bytes]) -> None:
        digest = hashlib.md5(usedforsecurity=False)
        for block in self._open(file.key).iter_chunks(_BLOCK):
            digest.update(block)
            body.write(block)
        if _base64(digest.digest()) != file.md5:
            raise ExportDamaged(f"{file.key} is not what DynamoDB wrote: its MD5 is not the manifest's {file.md5}")
        body.seek(0)

    def _checked(self, key: str) -> bytes:
        """Return an object's bytes, checked against its checksum object where there is one."""
        content: bytes = self._open(key).read()
        for ending in _CHECKSUMS:
            expected = self._optional(key.removesuffix(".json") + ending)
            if expected is not None and expected.strip() != _base64(hashlib.md5(content).digest()):  # noqa: S324
                raise ExportDamaged(f"{key} is not what DynamoDB wrote: its MD5 is not {expected.strip()}")
        return content

    def _optional(self, key: str) -> str | None:
        try:
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if code(error) not in ("NoSuchKey", "404"):
                raise
            return None
        return content.decode("ascii")

    def _open(self, key: str) -> Any:
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        except ClientError as error:
            if code(error) not in ("NoSuchKey", "404"):
                raise
            raise ExportDamaged(f"{key} is missing in the bucket {self._bucket}") from error


def _file(position: int, row: dict[str, Any]) -> ExportFile:
    return ExportFile(position, row["dataFileS3Key"], int(row["itemCount"]), row["md5Checksum"])


def _item(line: bytes) -> dict[str, Any]:
    return with_bytes(json.loads(line)["Item"])


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")
