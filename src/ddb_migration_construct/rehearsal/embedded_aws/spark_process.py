"""One Glue run as a local PySpark process, with the credentials of the job's role."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from .faults import PAUSED, Faults
from .processes import end_tree, paused
from .service_roles import assume, clients_as
from .settings import ACCOUNT_ID, Settings
from .spark_options import spark_environment

# Glue's own session name, which AccessDenied messages show.
_SESSION_NAME = "GlueJobRunnerSession"
_MESSAGE_CHARACTERS = 2000
_POLL_SECONDS = 0.2
_PAUSE_SECONDS = 2.0
_NOT_PASSED_ON = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")


class SparkProcess:
    """Start, wait for and stop the driver of one run."""

    def __init__(
        self, settings: Settings, faults: Faults, job: dict[str, Any], run_id: str, arguments: dict[str, str]
    ) -> None:
        self._settings = settings
        self._faults = faults
        self._job = job
        self._arguments = arguments
        self._folder = settings.job_runs_dir / run_id
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._starting = threading.Lock()

    @property
    def log(self) -> Path:
        """Where the driver's output goes."""
        return self._folder / "run.log"

    @property
    def _error(self) -> Path:
        """Where the driver leaves the error that ended it."""
        return self._folder / "error.txt"

    def start(self) -> None:
        """Fetch script and libraries and start the driver, unless the run was stopped meanwhile."""
        temporary = self._folder / "tmp"
        temporary.mkdir(parents=True)
        script = self._fetch(self._job["Command"]["ScriptLocation"])
        libraries = self._arguments.get("--extra-py-files", "")
        paths = [self._settings.glue_shim, *(self._fetch(uri) for uri in libraries.split(",") if uri)]
        command = [self._settings.python, script]
        for name, value in self._arguments.items():
            command += [name, str(value)]
        with self._starting, self.log.open("wb") as log:
            if not self._stopping.is_set():
                self._process = subprocess.Popen(
                    command,
                    env=self._environment(paths, temporary),
                    cwd=self._folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )

    def _fetch(self, uri: str) -> str:
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        target = self._folder / key.rsplit("/", 1)[-1]
        clients = clients_as(self._role_arn(), "glue.amazonaws.com", _SESSION_NAME)
        target.write_bytes(clients["s3"].get_object(Bucket=bucket, Key=key)["Body"].read())
        return str(target)

    def _environment(self, paths: list[str], temporary: Path) -> dict[str, str]:
        archive = self._settings.class_archive
        classes = f"-XX:SharedArchiveFile={archive}" if archive else ""
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
        return {
            **inherited,
            **assume(self._role_arn(), "glue.amazonaws.com", _SESSION_NAME),
            "PYTHONPATH": os.pathsep.join(paths),
            **spark_environment(self._settings.python, self._settings.java_home, str(temporary), classes),
            "PYTHONUNBUFFERED": "1",
            "GLUE_ERROR_FILE": str(self._error),
        }

    def _role_arn(self) -> str:
        role = str(self._job["Role"])
        return role if role.startswith("arn:") else f"arn:aws:iam::{ACCOUNT_ID}:role/{role}"

    def outcome(self, timeout_seconds: float) -> tuple[str, str]:
        """Wait for the end; return the run's last state and its error message."""
        until = time.monotonic() + timeout_seconds
        while self._process is not None and self._process.poll() is None:
            if time.monotonic() > until:
                end_tree(self._process.pid)
                return "TIMEOUT", f"Job run exceeded its timeout of {timeout_seconds / 60:g} minutes."
            if self._faults.strike(PAUSED):
                with paused(self._process.pid):
                    self._faults.wait(PAUSED, _PAUSE_SECONDS)
            time.sleep(_POLL_SECONDS)
        if self._stopping.is_set():
            return "STOPPED", ""
        if self._process is not None and self._process.returncode == 0:
            return "SUCCEEDED", ""
        told = self._error if self._error.exists() else self.log
        return "FAILED", told.read_text(errors="replace")[-_MESSAGE_CHARACTERS:]

    def stop(self) -> None:
        """Kill the driver, its JVM and its workers."""
        self._stopping.set()
        with self._starting:
            process = self._process
        if process is not None:
            end_tree(process.pid)
