"""Run the parts of a check one after the other, stop at the first that fails, say how long each took."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = CHECKOUT / ".venv" / "bin"
SIMULATION = "tests/simulation"

Command = tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One line of the summary: commands that have to succeed in this order."""

    name: str
    commands: tuple[Command, ...]


SET_UP = Part("set-up", ((sys.executable, "tools/set_up.py"),))
STATIC_CHECKS = Part(
    "static checks",
    (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("python", "tools/check_generated.py"),
        ("mkdocs", "build", "--strict", "--quiet"),
        ("mypy",),
    ),
)
UNIT_AND_CONSTRUCT = Part(
    "unit and construct",
    (("pytest", "-q", "-m", "not rehearsal and not slow", f"--ignore={SIMULATION}"),),
)
SIMULATIONS = Part("simulation", (("pytest", "-q", "-m", "not slow", SIMULATION),))
REHEARSALS = Part("rehearsals", (("pytest", "-q", "-m", "rehearsal and not slow"),))
SLOW = Part("slow tests", (("pytest", "-q", "-m", "slow"),))


def main(check: str) -> None:
    started = time.monotonic()
    seconds: dict[str, float] = {}
    for part in parts_of(check):
        begun = time.monotonic()
        failed = first_failure(part)
        seconds[part.name] = time.monotonic() - begun
        if failed:
            print_times(seconds, time.monotonic() - started)
            sys.exit(f"make {check}: FAILED in {part.name}, at: {' '.join(failed)}")
    print_times(seconds, time.monotonic() - started)
    print(f"make {check}: passed", flush=True)


def parts_of(check: str) -> tuple[Part, ...]:
    simulations = (SIMULATIONS,) if any((CHECKOUT / SIMULATION).glob("test_*.py")) else ()
    test = (SET_UP, STATIC_CHECKS, UNIT_AND_CONSTRUCT, *simulations, REHEARSALS)
    return {"lint": (SET_UP, STATIC_CHECKS), "test": test, "test-all": (*test, SLOW)}[check]


def first_failure(part: Part) -> Command | None:
    print(f"\n== {part.name}", flush=True)
    for command in part.commands:
        print(f"$ {' '.join(command)}", flush=True)
        if subprocess.run(command, cwd=CHECKOUT, env=environment(), check=False).returncode != 0:
            return command
    return None


def environment() -> dict[str, str]:
    """Return this process's environment with the commands of `.venv` before all others."""
    path = os.pathsep.join([str(TOOLS), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(TOOLS.parent), "NO_MKDOCS_2_WARNING": "1"}


def print_times(seconds: dict[str, float], total: float) -> None:
    print()
    for name, taken in {**seconds, "total": total}.items():
        print(f"{name:20}{taken:8.1f} s")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
