"""Synthesising an app in a process of its own, beside whatever else is being prepared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

STACK_NAME = "Rehearsal"
MIGRATION_ID = "Migration"
MIGRATION_NAME = f"{STACK_NAME}/{MIGRATION_ID}"

OWN_APP = (sys.executable, "-m", "ddb_migration_construct.rehearsal.app")
# Linux takes at most 128 KiB in one variable (execve(2)); the CDK's command line passes the rest in a file.
_MOST_IN_A_VARIABLE = 100_000
_AT_MOST_SECONDS = 300.0
_SHOWN_CHARACTERS = 3000


class SynthesisFailed(Exception):
    """The app could not be synthesised."""


class Synthesis:
    """One run of an app; a context manager that begins at once, and ends the process in any case.

    `context` is the CDK context; `environment` is that of the process, and `command` what it runs, by default the
    rehearsal's own app. It runs in `folder`; unless one is given in the work folder, because Python would take the
    modules of whatever folder a rehearsal is called in for those of the same name.
    """

    def __init__(
        self,
        work_dir: Path,
        context: Mapping[str, Any],
        environment: Mapping[str, str],
        command: Sequence[str] = OWN_APP,
        folder: Path | None = None,
    ) -> None:
        self._command = list(command)
        self._folder = folder or work_dir
        self.assembly = work_dir / "cdk.out"
        self._log = work_dir / "synthesis.log"
        self._temporary = work_dir / "synthesis"
        self._context = json.dumps(dict(context))
        self._environment = {
            **environment,
            "CDK_OUTDIR": str(self.assembly),
            # The project's tests validate the template; here it would cost several seconds of each run.
            "CDK_VALIDATION": "false",
            # A process that is killed leaves its temporary files; here they go with the work folder.
            "TMPDIR": str(self._temporary),
        }
        self._began = time.monotonic()

    def __enter__(self) -> Synthesis:
        """Start the process, in a session of its own: the CDK starts another, and both are ended together."""
        self._temporary.mkdir()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env={**self._environment, **self._told_context()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        """End the process and its children if they still run."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _told_context(self) -> dict[str, str]:
        if len(self._context.encode()) <= _MOST_IN_A_VARIABLE:
            return {"CDK_CONTEXT_JSON": self._context}
        file = self._temporary / "context.json"
        file.write_text(self._context, "utf-8")
        return {"CDK_CONTEXT_JSON": "{}", "CONTEXT_OVERFLOW_LOCATION_ENV": str(file)}

    def wait(self) -> float:
        """Wait for the end of the process and return the seconds since it began.

        Raises SynthesisFailed, with the end of what the app printed, when it fails or takes five minutes.
        """
        try:
            code = self._process.wait(_AT_MOST_SECONDS)
        except subprocess.TimeoutExpired as slow:
            raise SynthesisFailed(f"the app was not synthesised within {_AT_MOST_SECONDS:.0f} s") from slow
        if code != 0:
            printed = self._log.read_text("utf-8", "replace")[-_SHOWN_CHARACTERS:]
            raise SynthesisFailed(f"the app ended with exit code {code}:\n{printed}")
        return time.monotonic() - self._began
