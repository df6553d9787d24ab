"""Running a command over fakes of the AWS clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from typer.testing import CliRunner

from ddb_migration_construct.cli.main import app


def invoked(monkeypatch: pytest.MonkeyPatch, clients: Mapping[str, Any], command: str, *arguments: str) -> Any:
    """Run a command, given by its module, whose clients are these fakes, by the name of their service."""
    for module in ("frame", command):
        monkeypatch.setattr(f"ddb_migration_construct.cli.{module}.client", clients.__getitem__)
    return CliRunner().invoke(app, [command.replace("_", "-"), *arguments])
