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
_AT_MOST_SECONDS = 300.0
_SHOWN_CHARACTERS = 3000


class SynthesisFailed(Exception):
    """The app could not be synthesised."""


class Synthesis:
    """One run of an app; a context manager that begins at once, and ends the process in any case.

    `context` is the CDK context; `environment` is that of the process, and `command` what it runs: in this folder,
    and by default the rehearsal's own app.
    """

    def __init__(
        self,
        work_dir: Path,
        context: Mapping[str, Any],
        environment: Mapping[str, str],
        command: Sequence[str] = OWN_APP,
    ) -> None:
        self._command = list(command)
        self.assembly = work_dir / "cdk.out"
        self._log = work_dir / "synthesis.log"
        self._temporary = work_dir / "synthesis"
        self._environment = {
            **environment,
            "CDK_OUTDIR": str(self.assembly),
            "CDK_CONTEXT_JSON": json.dumps(dict(context)),
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
                env=self._environment,
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
