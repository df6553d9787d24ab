"""The environment of the embedded AWS: made once from the shipped lock, inside the main environment.

It is apart because MiniStack pins botocore exactly, which must reach nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_LOCK = Path(__file__).with_name("embedded_aws.lock")
_MARKER = "complete"
# They bring packages of elsewhere, which would be taken for installed.
_NOT_PASSED_ON = ("PYTHONHOME", "PYTHONPATH")


class EnvironmentFailed(Exception):
    """The environment of the embedded AWS could not be made."""


def _home() -> Path:
    """Where the environment lives; another lock or another Python is another place."""
    identity = f"{sys.version_info[:2]} {sysconfig.get_platform()}".encode() + _LOCK.read_bytes()
    return Path(sys.prefix) / "share" / "ddb-migration" / hashlib.sha256(identity).hexdigest()[:16]


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Wait until no other process makes the same environment."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_suffix(".making").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


def _commands(home: Path) -> list[list[str]]:
    """What makes the environment; caches are left alone, since they lie in the home folder."""
    python = str(home / "bin" / "python")
    requirements = ["--require-hashes", "--requirement", str(_LOCK)]
    uv = _uv()
    if uv:
        return [
            [uv, "venv", "--quiet", "--no-cache", "--no-project", "--python", sys.executable, str(home)],
            [uv, "pip", "install", "--quiet", "--no-cache", "--python", python, *requirements],
        ]
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-cache-dir"]
    return [[sys.executable, "-m", "venv", str(home)], [*pip, *requirements]]


def _make(home: Path) -> None:
    print(f"Making the environment of the embedded AWS (once, about 100 MB) in {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    for command in _commands(home):
        made = _run(command, home.parent)
        if made.returncode:
            raise EnvironmentFailed(
                f"The environment of the embedded AWS could not be made: `{' '.join(command)}` said\n"
                f"{made.stdout.strip()}\nIt needs a package index; nothing was left half made."
            )
    (home / _MARKER).touch()


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    # A virtual environment takes no packages of the user's.
    environment["PIP_USER"] = "0"
    return subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def _is_made(home: Path) -> bool:
    # Its Python is a link to one of the machine, which may have gone since.
    return (home / _MARKER).exists() and (home / "bin" / "python").exists()


def embedded_python() -> Path:
    """The Python of the embedded AWS's own environment, which is made if it is not there.

    Raises EnvironmentFailed if a package cannot be installed, or nothing can be written.
    """
    home = _home()
    try:
        if not _is_made(home):
            with _alone(home):
                if not _is_made(home):
                    _make(home)
    except OSError as error:
        raise EnvironmentFailed(
            f"The environment of the embedded AWS cannot be made in {home.parent}: {error}. Rehearse from a virtual "
            "environment that you may write to, or once as somebody who may write to this one."
        ) from error
    return home / "bin" / "python"
