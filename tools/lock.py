"""Resolve the dependencies anew: for every platform and Python, with hashes, without names of hosts."""

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
UV = Path(sys.prefix, "bin", "uv")
REHEARSAL = "src/ddb_migration_construct/rehearsal"

# What builds the packages that come without a wheel (pyspark): held too, or set-up could change by itself.
BUILD = "setuptools<82\nwheel\n"
CONSTRAINTS = CHECKOUT / "requirements" / "constraints.in"


def main() -> None:
    uv = subprocess.run([UV, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    lock("requirements/uv.txt", "-", given=f"uv=={uv}\n")
    lock("requirements/build.txt", "-", given=BUILD)
    lock("requirements/development.txt", "pyproject.toml", "--extra", "rehearsal", "--group", "dev")
    lock("embedded_aws.lock", "embedded_aws.in", folder=REHEARSAL)


def lock(name: str, source: str, *options: str, folder: str = ".", given: str | None = None) -> None:
    everywhere = ["--universal", "--python-version", "3.10", "--upgrade"]
    written = ["--generate-hashes", "--no-emit-index-url", "--no-header", "--quiet", "--output-file", name]
    held = ["--constraints", os.path.relpath(CONSTRAINTS, CHECKOUT / folder)]
    command: list[str | Path] = [UV, "pip", "compile", source, *options, *held, *everywhere, *written]
    # From the file's own folder: the lock says in comments who asked for a package, by path.
    subprocess.run(command, input=given, text=True, cwd=CHECKOUT / folder, check=True)
    print(f"lock: {folder}/{name}", flush=True)


if __name__ == "__main__":
    main()
