"""Ask PyPI for known vulnerabilities of every locked package: `make audit`; it needs the network.

Exit codes: 0 all were audited and none is vulnerable; 1 some are; 2 the service could not tell, which is no pass.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
UV = Path(sys.prefix, "bin", "uv")
AUDITOR = "pip-audit==2.10.1"
LOCKS = (
    *("requirements/uv.txt", "requirements/build.txt", "requirements/development.txt"),
    "src/ddb_migration_construct/rehearsal/embedded_aws.lock",
)
NOT_VULNERABLE, VULNERABLE, NOT_AUDITED = 0, 1, 2
SECONDS = 900


@dataclass(frozen=True)
class Audit:
    """What is known of the packages of one lock: a line for each vulnerability, and for each that is not known of."""

    audited: int
    vulnerable: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def code(self) -> int:
        """Return the exit code; a package nobody knows of, or none at all, is not audited."""
        if self.vulnerable:
            return VULNERABLE
        return NOT_AUDITED if self.unknown or not self.audited else NOT_VULNERABLE


def main() -> None:
    codes = [told(lock, audit(lock)) for lock in LOCKS]
    code = next(code for code in (VULNERABLE, NOT_AUDITED, NOT_VULNERABLE) if code in codes)
    print({NOT_VULNERABLE: "audit: passed", VULNERABLE: "audit: FAILED", NOT_AUDITED: NOTHING_KNOWN}[code])
    sys.exit(code)


NOTHING_KNOWN = (
    "audit: NOT DONE: PyPI's vulnerability service could not be reached, or does not know these packages; "
    "run it where pypi.org can be reached"
)


def audit(lock: str) -> Audit:
    """Audit one lock, by pip-audit with PyPI's service."""
    given = ("--disable-pip", "--require-hashes", "--requirement", lock, "--vulnerability-service", "pypi")
    command: list[str | Path] = [UV, "tool", "run", "--from", AUDITOR, "pip-audit", *given]
    answer = subprocess.run(
        [*command, "--format", "json", "--progress-spinner", "off", "--timeout", "30"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    try:
        return read(json.loads(answer.stdout)["dependencies"])
    except (ValueError, KeyError):
        said = answer.stderr.strip().splitlines() or ["it said nothing"]
        return Audit(0, (), (f"pip-audit ended with exit code {answer.returncode}: {said[-1]}",))


def read(dependencies: Sequence[dict[str, Any]]) -> Audit:
    """Return what pip-audit tells of the packages."""
    skipped = [one for one in dependencies if "skip_reason" in one]
    known = [one for one in dependencies if "skip_reason" not in one]
    vulnerable = [
        f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'no version'}"
        for one in known
        for found in one["vulns"]
    ]
    unknown = [f"{one['name']}: {one['skip_reason']}" for one in skipped]
    return Audit(len(known), tuple(vulnerable), tuple(unknown))


def told(lock: str, found: Audit) -> int:
    """Print what was found, and return the exit code."""
    print(f"audit: {lock}: {found.audited} packages audited, {len(found.unknown)} not")
    for line in (*found.vulnerable, *found.unknown):
        print(f"  {line}", flush=True)
    return found.code


if __name__ == "__main__":
    main()
