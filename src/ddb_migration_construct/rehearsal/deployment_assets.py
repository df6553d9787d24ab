"""Publishing the assets of a cloud assembly, and the packages of functions with the rehearsal's runtime."""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import sys
import zipfile
from pathlib import Path
from typing import Any

from .embedded import EmbeddedAws
from .embedded_aws.settings import ACCOUNT_ID, REGION

_RUNTIME = Path(__file__).with_name("function_bootstrap.py")
_RUNTIME_NAME = "_rehearsal_runtime.py"
_EXECUTABLE = 0o755 << 16
_EPOCH = (1980, 1, 1, 0, 0, 0)
_INLINE_BUCKET = f"rehearsal-functions-{ACCOUNT_ID}-{REGION}"


def _bootstrap() -> str:
    return f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$LAMBDA_TASK_ROOT/{_RUNTIME_NAME}"\n'


def _add(archive: zipfile.ZipFile, name: str, content: bytes, mode: int = 0o644 << 16) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = mode
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                _add(archive, path.relative_to(folder).as_posix(), path.read_bytes())
    return buffer.getvalue()


def _with_runtime(package: bytes) -> bytes:
    buffer = io.BytesIO(package)
    with zipfile.ZipFile(buffer, "a") as archive:
        _add(archive, "bootstrap", _bootstrap().encode(), _EXECUTABLE)
        _add(archive, _RUNTIME_NAME, _RUNTIME.read_bytes())
    return buffer.getvalue()


def _resolved(text: str) -> str:
    return text.replace("${AWS::AccountId}", ACCOUNT_ID).replace("${AWS::Region}", REGION)


class Assets:
    """The files that a stack's asset manifest names, uploaded at most once each."""

    def __init__(self, aws: EmbeddedAws, assembly: Path, manifest: Path | None) -> None:
        self._s3 = aws.client("s3")
        self._assembly = assembly
        files = json.loads(manifest.read_text())["files"] if manifest else {}
        self._files: dict[str, dict[str, Any]] = {}
        for file in files.values():
            for destination in file["destinations"].values():
                self._files[_resolved(destination["objectKey"])] = {**destination, "source": file["source"]}

    def publish(self) -> None:
        """Upload every asset as the CDK command line would."""
        for key, file in self._files.items():
            self._upload(_resolved(file["bucketName"]), key, self._content(file["source"]))

    def _content(self, source: dict[str, Any]) -> bytes:
        path = self._assembly / source["path"]
        return _zipped(path) if source["packaging"] == "zip" else path.read_bytes()

    def _upload(self, bucket: str, key: str, content: bytes) -> None:
        self._s3.create_bucket(Bucket=bucket)
        self._s3.put_object(Bucket=bucket, Key=key, Body=content)

    def upload_text(self, text: str) -> tuple[str, str]:
        """Upload a text, such as a large template; return bucket and key."""
        key = hashlib.sha256(text.encode()).hexdigest()
        self._upload(_INLINE_BUCKET, key, text.encode())
        return _INLINE_BUCKET, key

    def packaged(self, code: dict[str, Any]) -> dict[str, Any]:
        """The ``Code`` of a Python function with the rehearsal's runtime in its package."""
        package = _with_runtime(self._package(code))
        key = hashlib.sha256(package).hexdigest() + ".zip"
        self._upload(_INLINE_BUCKET, key, package)
        return {"S3Bucket": _INLINE_BUCKET, "S3Key": key}

    def _package(self, code: dict[str, Any]) -> bytes:
        if isinstance(code.get("ZipFile"), str):
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                _add(archive, "index.py", code["ZipFile"].encode())
            return buffer.getvalue()
        key = code.get("S3Key")
        if not isinstance(key, str) or key not in self._files:
            raise ValueError(f"The code {code} is in no asset of {self._assembly}; use Code.from_asset.")
        return self._content(self._files[key]["source"])
