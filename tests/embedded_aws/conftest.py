"""One embedded AWS for all tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from ddb_migration_construct.rehearsal.embedded import EmbeddedAws

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(tmp_path_factory.mktemp("embedded")) as embedded:
        yield embedded


@pytest.fixture
def stack_name() -> str:
    """A new name, short enough that the names of roles keep their logical ID."""
    return f"Stack{next(_numbers)}"


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    return tmp_path / "assembly"
