"""Many runs of consecutive seeds, in one process at a time or several, and what came of them all."""

from __future__ import annotations

import gc
import os
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.processes import Processes
from tests.simulation.run import Outcome, run

SHARE_RUNS = 50


@dataclass
class Report:
    """What came of runs: the counts of faults and refusals, the seeds that fail and what was found in them."""

    on: frozenset[str]
    without: tuple[str, ...] = ()
    runs: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    seconds_by_end: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    runs_by_end: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    failing: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome, seconds: float) -> None:
        """Count one run, which took some seconds of processor time."""
        self.runs += 1
        self.runs_by_end[outcome.as_far_as] += 1
        self.seconds_by_end[outcome.as_far_as] += seconds
        self.faults += Counter({kind: count for kind, count in outcome.faults.items() if kind in self.on})
        self.refusals += outcome.refusals
        if outcome.findings:
            self.failing.append(outcome.seed)
            self.findings.extend(outcome.findings[:2])

    def join(self, other: Report) -> None:
        """Count the runs of another process."""
        self.runs += other.runs
        self.runs_by_end += other.runs_by_end
        for end, seconds in other.seconds_by_end.items():
            self.seconds_by_end[end] += seconds
        self.faults += other.faults
        self.refusals += other.refusals
        self.failing += other.failing
        self.findings += other.findings

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "runs": self.runs,
            "divergences": len(self.failing),
            "refusals": dict(self.refusals),
            "faults": {kind: self.faults[kind] for kind in sorted(self.on)},
            "runs_per_second": round(self.runs / self.seconds, 1),
            "runs_per_processor_second": round(self.runs / self.processor_seconds, 1),
            "runs_per_processor_second_by_end": {
                end: round(runs / self.seconds_by_end[end], 1) for end, runs in sorted(self.runs_by_end.items())
            },
            "without": list(self.without),
            "failing": self.failing[:50],
            "findings": self.findings[:20],
        }


def simulated(
    runs: int,
    seed: int,
    on: frozenset[str],
    without: tuple[str, ...] = (),
    keep_going: bool = True,
    processes: int = 1,
    seconds: float = float("inf"),
) -> dict[str, Any]:
    """Make runs of consecutive seeds and count what came of them; without guards the first find ends them.

    None is begun after so many `seconds`, so that there may be fewer of them than `runs`.
    """
    begun, report = time.monotonic(), Report(on, without)
    until, used = begun + seconds, _processor_seconds()
    ends_at_first = bool(without) or not keep_going

    def made(seeds: range) -> Report:
        return _made(seeds, on, without, ends_at_first, until)

    shares = [range(first, min(first + SHARE_RUNS, seed + runs)) for first in range(seed, seed + runs, SHARE_RUNS)]
    for share in Processes(made, processes).results(shares):
        report.join(share)
        if ends_at_first and report.failing:
            break
    report.seconds, report.processor_seconds = time.monotonic() - begun, _processor_seconds() - used
    return report.as_json()


def _made(seeds: range, on: frozenset[str], without: tuple[str, ...], ends_at_first: bool, until: float) -> Report:
    report = Report(on, without)
    # A run leaves its whole world behind, a knot of cycles; to untie it costs a fifth of the run, and the end of the
    # process nothing.
    gc.disable()
    for seed in seeds:
        if time.monotonic() > until or (ends_at_first and report.failing):
            break
        used = time.process_time()
        try:
            outcome = run(str(seed), on, without)
        except Exception as error:
            raise RuntimeError(f"seed {seed} broke the simulation") from error
        report.add(outcome, time.process_time() - used)
    return report


def _processor_seconds() -> float:
    """Return what this process and those that it has waited for have used so far."""
    return sum(os.times()[:4])
