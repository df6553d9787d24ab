"""What the parent tells the embedded AWS when it starts it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"
ROOT_KEY = "rehearsal"
SETTINGS_VARIABLE = "EMBEDDED_AWS_SETTINGS"


@dataclass(frozen=True)
class Settings:
    """Directories, scale of waits, the interpreters of functions and jobs, and the faults to inject.

    `class_archive` is that of Spark's classes, empty where there is none.
    """

    work_dir: Path
    wait_scale: float
    python: str
    java_home: str
    glue_shim: str
    class_archive: str = ""
    faults: str = "none"
    fault_seed: int = 0

    @property
    def job_runs_dir(self) -> Path:
        """Where each Glue run has its folder with script, log and temporary files."""
        return self.work_dir / "glue"

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the settings from the JSON in ``EMBEDDED_AWS_SETTINGS``."""
        given = json.loads(os.environ[SETTINGS_VARIABLE])
        return cls(
            work_dir=Path(given["work_dir"]),
            wait_scale=float(given["wait_scale"]),
            python=given["python"],
            java_home=given["java_home"],
            glue_shim=given["glue_shim"],
            class_archive=given["class_archive"],
            faults=given["faults"],
            fault_seed=int(given["fault_seed"]),
        )
