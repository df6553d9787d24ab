"""Run the parts of a check, stop where one fails, say how long each took.

Parts of one step run side by side, so that two cores are used; the output of each is shown when it has ended.
"""

# An older Python than is needed must come as far as set-up, which says so.
from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = CHECKOUT / ".venv" / "bin"
SIMULATION = "tests/simulation"

CONSTRUCT = "tests/construct"

if TYPE_CHECKING:
    Command = tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """One line of the summary: commands that have to succeed in this order."""

    name: str
    commands: tuple[Command, ...]


if TYPE_CHECKING:
    Step = tuple[Part, ...]

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
QUICK = ("pytest", "-q", "-m", "not rehearsal and not slow")
UNIT = Part("unit", ((*QUICK, f"--ignore={SIMULATION}", f"--ignore={CONSTRUCT}"),))
CONSTRUCTS = Part("construct", ((*QUICK, CONSTRUCT),))
SIMULATIONS = Part("simulation", (("pytest", "-q", "-m", "not slow", SIMULATION),))
REHEARSALS = Part("rehearsals", (("pytest", "-q", "-m", "rehearsal and not slow"),))
SLOW = Part("slow tests", (("pytest", "-q", "-m", "slow"),))


def main(check: str) -> None:
    started = time.monotonic()
    seconds: dict[str, float] = {}
    for step in steps_of(check):
        failed = run_step(step, seconds)
        if failed:
            print_times(seconds, time.monotonic() - started)
            sys.exit(f"make {check}: FAILED: {'; '.join(failed)}")
    print_times(seconds, time.monotonic() - started)
    print(f"make {check}: passed", flush=True)


def steps_of(check: str) -> tuple[Step, ...]:
    lint: tuple[Step, ...] = ((SET_UP,), (STATIC_CHECKS,))
    test: tuple[Step, ...] = ((SET_UP,), (STATIC_CHECKS, UNIT), (CONSTRUCTS, SIMULATIONS), (REHEARSALS,))
    return {"lint": lint, "test": test, "test-all": (*test, (SLOW,))}[check]


def run_step(step: Step, seconds: dict[str, float]) -> list[str]:
    """Run the parts of a step side by side, and return what failed of each that did."""
    is_alone = len(step) == 1

    def timed(part: Part) -> str | None:
        begun = time.monotonic()
        failed = first_failure(part, is_alone=is_alone)
        seconds[part.name] = time.monotonic() - begun
        return f"{part.name}, at: {' '.join(failed)}" if failed else None

    print(f"\n== {', '.join(part.name for part in step)}", flush=True)
    with ThreadPoolExecutor(len(step)) as pool:
        return [failed for failed in pool.map(timed, step) if failed]


def first_failure(part: Part, *, is_alone: bool) -> Command | None:
    """Run a part's commands; what runs beside others is shown command by command."""
    for command in part.commands:
        told = f"$ {' '.join(command)}"
        if is_alone:
            print(told, flush=True)
        answer = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=environment(),
            check=False,
            stdout=None if is_alone else subprocess.PIPE,
            stderr=None if is_alone else subprocess.STDOUT,
        )
        if not is_alone:
            print(f"{told}\n{answer.stdout.decode(errors='replace')}", end="", flush=True)
        if answer.returncode != 0:
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
