"""Fail if `.projenrc.py` would write anything other than what lies here: it alone is edited by hand."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
MANIFEST = CHECKOUT / ".projen" / "files.json"


def main() -> None:
    before = generated()
    subprocess.run([sys.executable, ".projenrc.py"], cwd=CHECKOUT, check=True)
    after = generated()
    different = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    if different:
        sys.exit(f".projenrc.py had not been run; it has now written: {', '.join(different)}")


def generated() -> dict[str, str]:
    """Return the digest of every file that projen's manifest names, by path."""
    names: list[str] = json.loads(MANIFEST.read_text())["files"]
    paths = ((name, CHECKOUT / name) for name in [*names, ".projen/files.json"])
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths if path.exists()}


if __name__ == "__main__":
    main()
