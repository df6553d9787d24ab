"""The CDK's command line, as a team runs it: `aws-cdk@2`, which npm fetches, in the folder of an app."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ddb_migration_construct.toolchain import find_node, jsii_environment

CLI = "aws-cdk@2"
SECONDS = 1500


class CdkFailed(Exception):
    """The command line ended with an error; the message is the end of what it printed."""


class CdkCli:
    """Runs `cdk` for the app in a folder; `environment` names the account, its credentials and endpoint."""

    def __init__(self, app: Path, environment: Mapping[str, str], work_dir: Path, *context: str) -> None:
        self._app = app
        self._context = [part for given in context for part in ("--context", given)]
        self._outputs = work_dir / "outputs.json"
        self._assembly = work_dir / "cdk.out"
        programs = (str(Path(sys.executable).parent), str(find_node().parent))
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            **jsii_environment(),
            "CDK_DISABLE_VERSION_CHECK": "1",
            "CDK_VALIDATION": "false",
            "npm_config_cache": str(work_dir / "npm"),
            **environment,
            "PATH": os.pathsep.join([*programs, os.environ.get("PATH", os.defpath)]),
        }

    def bootstrap(self, account: str, region: str) -> None:
        """Prepare an account and Region, as `cdk bootstrap` does."""
        self._run("bootstrap", f"aws://{account}/{region}")

    def deploy(self) -> dict[str, dict[str, str]]:
        """Deploy all stacks of the app, and return their outputs by stack."""
        self._run("deploy", "--all", "--require-approval", "never", "--outputs-file", str(self._outputs))
        outputs: dict[str, dict[str, str]] = json.loads(self._outputs.read_text())
        return outputs

    def destroy(self) -> None:
        """Destroy all stacks of the app."""
        self._run("destroy", "--all", "--force")

    def _run(self, *arguments: str) -> str:
        given = ["--no-notices", "--ci", "--output", str(self._assembly), *self._context]
        command = [str(find_node()), str(npx()), "--yes", CLI, *arguments, *given]
        answer: Any = subprocess.run(
            command,
            cwd=self._app,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if answer.returncode != 0:
            raise CdkFailed(f"cdk {' '.join(arguments)} ended with {answer.returncode}:\n{answer.stdout[-6000:]}")
        return str(answer.stdout)


def npx() -> Path:
    """Return the script npx of the Node that is used; what a wheel has in bin/ is no link and does not run."""
    return find_node().resolve().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js"
