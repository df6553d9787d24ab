"""Many runs of consecutive seeds, in one process or several, and what came of them all."""

from __future__ import annotations

import gc
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.run import Outcome, run

COLLECT_RUNS = 50


@dataclass
class Report:
    """What came of runs: the counts of faults and refusals, the seeds that fail and what was found in them."""

    on: frozenset[str]
    without: tuple[str, ...] = ()
    runs: int = 0
    seconds: float = 0.0
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
            "runs_per_processor_second": round(self.runs / sum(self.seconds_by_end.values()), 1),
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
    until = begun + seconds
    if processes == 1:
        report = _made(range(seed, seed + runs), on, without, keep_going, until)
    else:
        shares = [range(seed + place, seed + runs, processes) for place in range(processes)]
        with ProcessPoolExecutor(processes) as pool:
            for made in pool.map(_made, shares, *([each] * processes for each in (on, without, keep_going, until))):
                report.join(made)
    report.seconds = time.monotonic() - begun
    return report.as_json()


def _made(seeds: Sequence[int], on: frozenset[str], without: tuple[str, ...], keep_going: bool, until: float) -> Report:
    report = Report(on, without)
    # A run leaves few cycles behind; looking for them all the time costs a quarter of it.
    gc.disable()
    gc.freeze()
    for seed in seeds:
        used = time.process_time()
        outcome = run(str(seed), on, without)
        report.add(outcome, time.process_time() - used)
        if not report.runs % COLLECT_RUNS:
            gc.collect()
        if (report.failing and (without or not keep_going)) or time.monotonic() > until:
            break
    gc.unfreeze()
    gc.enable()
    return report
