"""What `make` starts first: on an old Python, and on an environment that is half made or no longer works."""

from __future__ import annotations
import __future__

import subprocess
import sys
from pathlib import Path

import pytest

import set_up

TOOLS = Path(__file__).resolve().parents[1] / "tools"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for an environment, in place of this checkout's."""
    folder = tmp_path / ".venv"
    monkeypatch.setattr(set_up, "ENVIRONMENT", folder)
    monkeypatch.setattr(set_up, "PYTHON", folder / "bin" / "python")
    monkeypatch.setattr(set_up, "STAMP", folder / "set-up-of")
    return folder


@pytest.mark.parametrize("name", ["set_up.py", "run_checks.py"])
def test_an_old_python_evaluates_no_annotation_that_it_does_not_know(name: str) -> None:
    code = compile((TOOLS / name).read_text(), name, "exec", dont_inherit=True)
    assert code.co_flags & __future__.annotations.compiler_flag


def test_an_old_python_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 6, "final", 0))
    with pytest.raises(SystemExit, match=r"Python 3\.10 or newer is needed and this is 3\.9\.6"):
        set_up.main()


def test_an_environment_without_pip_is_made_anew(environment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr(set_up, "run", lambda _, *command: made.append(command))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    set_up.make_environment()
    assert made == [(sys.executable, "-m", "venv", "--clear", environment)]


def test_an_environment_whose_python_has_gone_is_not_current(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up.PYTHON.parent.mkdir(parents=True)
    set_up.PYTHON.symlink_to(environment / "python-that-has-gone")
    set_up.STAMP.write_text(set_up.fingerprint())
    assert not set_up.is_current()
    monkeypatch.setattr(set_up, "PYTHON", Path(sys.executable))
    assert set_up.is_current()


def test_packages_of_elsewhere_are_not_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONHOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.setenv(name, "/elsewhere")
        assert name not in set_up.environment()
    monkeypatch.setenv("PIP_USER", "yes")
    assert set_up.environment()["PIP_USER"] == "0"


def test_the_index_that_pip_asks_is_told_to_uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_up, "PYTHON", Path(sys.executable))
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nextra-index-url = https://other.example/simple\n")
    for name in (*set_up.INDEX_OF_UV, "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert set_up.index_of_pip() == {}
    settings.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    assert set_up.index_of_pip() == {"UV_DEFAULT_INDEX": "https://mirror.example/simple"}
    monkeypatch.setenv("UV_INDEX_URL", "https://chosen.example/simple")
    assert set_up.index_of_pip() == {}
