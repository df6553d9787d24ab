"""The files of an export in S3, believed only as far as the manifest proves them.

Layout and members: DynamoDB Developer Guide, "DynamoDB table export output format".
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.core.item_text import line_texts

_BLOCK = 1024 * 1024
# Compressed bytes taken at a time, and what they may grow to in one go: a task has many files open, and JSON grows
# tenfold as a rule, but a thousandfold where items hold one character over and over.
_PIECE = 64 * 1024
_GROWN = 1024 * 1024
# Text given at a time, however many lines are asked for: the items of one partition key lie together, and may be a
# thousand times as large as those before them.
_PAGE = 1024 * 1024
_SKIP = 5_000
# zlib: the window of 32 KiB, in gzip's format.
_GZIP = 31
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

    def sizes(self, files: Sequence[ExportFile]) -> list[int]:
        """Return the files' sizes in bytes as S3 lists them, 0 for one that is missing."""
        prefix = os.path.commonprefix([file.key for file in files])
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        found = {entry["Key"]: int(entry["Size"]) for page in pages for entry in page.get("Contents", [])}
        return [found.get(file.key, 0) for file in files]

    def lines(self, file: ExportFile, start: int) -> ExportLines:
        """Return the file's lines from line `start` on; its MD5 is checked first, and raises ExportDamaged."""
        body = tempfile.TemporaryFile()  # noqa: SIM115  closed with the lines
        try:
            self._download(file, body)
            lines = ExportLines(file, body)
            lines.skip(start)
        except BaseException:
            body.close()
            raise
        return lines

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


class ExportLines:
    """The items' texts of one export file, a line each, decompressed as they are asked for.

    `at` is how many were given.
    """

    def __init__(self, file: ExportFile, body: IO[bytes]) -> None:
        self.at = 0
        self._file, self._body = file, body
        self._gzip = zlib.decompressobj(_GZIP)
        # What is read and not yet decompressed.
        self._compressed = b""
        self._texts: list[bytes] = []
        self._given = self._waiting_bytes = 0
        self._rest = b""
        self._has_ended = False

    def take(self, most: int) -> list[bytes]:
        """Return the texts of the next lines, about 1 MB at the most, none at the file's end.

        Raises ExportDamaged where the manifest says otherwise, and NotDynamoDbJson.
        """
        while not self._has_ended and self._wants_more(most):
            self._fill()
        taken = self._texts[self._given : self._given + most]
        self._given += len(taken)
        self._waiting_bytes -= sum(map(len, taken))
        self.at += len(taken)
        if self.is_at_end:
            self._body.close()
            self._check()
        return taken

    def skip(self, lines: int) -> None:
        """Leave out lines that are done already."""
        while self.at < lines and not self.is_at_end:
            self.take(min(_SKIP, lines - self.at))

    @property
    def is_at_end(self) -> bool:
        """Tell whether all lines were given."""
        return self._has_ended and self._given == len(self._texts)

    def _wants_more(self, most: int) -> bool:
        waiting = len(self._texts) - self._given
        return waiting < most and (not waiting or self._waiting_bytes < _PAGE)

    def _fill(self) -> None:
        block = self._compressed or self._body.read(_PIECE)
        text = self._decompressed(block)
        if not block and not text:
            self._end()
            return
        texts, self._rest = line_texts(self._rest, text)
        if texts:
            self._texts = [*self._texts[self._given :], *texts]
            self._given = 0
            self._waiting_bytes += sum(map(len, texts))

    def _decompressed(self, block: bytes) -> bytes:
        """Decompress a block, or as much of it as is taken at a time; a gzip file may be several, one after the other.

        All of a block may be taken in before its text is given: then no block brings the rest.
        """
        try:
            text = self._gzip.decompress(block, _GROWN)
        except zlib.error as error:
            raise ExportDamaged(f"{self._file.key} is no gzip file: {error}") from error
        self._compressed = self._gzip.unconsumed_tail
        if self._gzip.eof and self._gzip.unused_data:
            self._compressed, self._gzip = self._gzip.unused_data, zlib.decompressobj(_GZIP)
        return text

    def _end(self) -> None:
        self._has_ended = True
        # The file of an empty partition may have no byte at all; the manifest tells how many items it should hold.
        if self._body.tell() and not self._gzip.eof:
            raise ExportDamaged(f"{self._file.key} ends in the middle of its gzip data")
        self._texts += line_texts(self._rest, b"\n")[0]

    def _check(self) -> None:
        if self.at != self._file.item_count:
            raise ExportDamaged(f"{self._file.key} holds {self.at} items and the manifest says {self._file.item_count}")


def _file(position: int, row: dict[str, Any]) -> ExportFile:
    return ExportFile(position, row["dataFileS3Key"], int(row["itemCount"]), row["md5Checksum"])


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode("ascii")
