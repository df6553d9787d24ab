"""An embedded AWS of its own for each test: these tests leave stacks in every state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ddb_migration_construct.rehearsal.embedded import EmbeddedAws


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(tmp_path / "aws") as embedded:
        yield embedded


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    return tmp_path / "assembly"
