"""Synthesis as a user's app does it: in a process of its own, with the CDK's validation of templates.

Whether the CDK validates is decided when its Node starts, and for all tests in this process tests/conftest.py has
decided against it, as that takes seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any


def run(*command: str | Path, cwd: Path, **told: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the CDK's validation on; `told` is added to the environment."""
    environment = {name: value for name, value in os.environ.items() if name != "CDK_VALIDATION"} | told
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=110, check=False)


def violations(out: Path) -> list[dict[str, Any]]:
    """What the report of a synthesis lists; where nothing was found there may be no report."""
    report = out / "validation-report.json"
    plugins = json.loads(report.read_text())["pluginReports"] if report.exists() else []
    return [violation for plugin in plugins for violation in plugin["violations"]]
