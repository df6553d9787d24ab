"""The environment of the embedded AWS: where it cannot be made, and when it has to be made again."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ddb_migration_construct.rehearsal import embedded_environment
from ddb_migration_construct.rehearsal.embedded_environment import EnvironmentFailed, embedded_python


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment in place of the one that runs this."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path


def test_an_environment_that_cannot_be_written_to_is_told(prefix: Path) -> None:
    # No folder can be made here, whoever asks.
    (prefix / "share").write_text("")
    with pytest.raises(EnvironmentFailed, match="a virtual environment that you may write to"):
        embedded_python()


def test_it_is_made_once_and_again_when_its_python_has_gone(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def commands(home: Path) -> list[list[str]]:
        made.append(prefix / f"python-{len(made)}")
        made[-1].touch()
        return [["/bin/sh", "-c", f"mkdir -p '{home}/bin' && ln -s '{made[-1]}' '{home}/bin/python'"]]

    monkeypatch.setattr(embedded_environment, "_commands", commands)
    assert embedded_python().samefile(prefix / "python-0")
    assert embedded_python().samefile(prefix / "python-0")
    (prefix / "python-0").unlink()
    assert embedded_python().samefile(prefix / "python-1")


def test_nothing_of_elsewhere_is_let_in(prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    show = ["/bin/sh", "-c", "echo ${PYTHONPATH-none} ${PYTHONHOME-none} $PIP_USER; pwd; exit 1"]
    monkeypatch.setattr(embedded_environment, "_commands", lambda _: [show])
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("PIP_USER", "yes")
    with pytest.raises(EnvironmentFailed, match=f"said\nnone none 0\n{prefix}/share"):
        embedded_python()
