"""CPU for each item of the bulk load, beside what others need for the same: `python -m benchmarks.bulk_load`.

Every case runs in a process of its own against a null server in another; the cases of one comparison are
interleaved, and the figures are medians of getrusage's CPU seconds. Ratios are taken within one run: they hold on a
busy machine too, where absolute figures do not.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from benchmarks import CHECKOUT

LATENCY_MS = 8
CASE_SECONDS = 120


@dataclass(frozen=True)
class Comparison:
    """The product's case, the rival's, what the ratio has to reach, and the server's delay."""

    key: str
    product: str
    rival: str
    least: float
    delay_ms: int = 0


COMPARISONS = (
    Comparison("scan_write_200b", "scan_write:product:200b", "scan_write:resource:200b", 20),
    Comparison("scan_write_1kb", "scan_write:product:1kb", "scan_write:resource:1kb", 40),
    Comparison("scan_write_20kb", "scan_write:product:20kb", "scan_write:resource:20kb", 20),
    Comparison("scan_write_braces", "scan_write:product:braces", "scan_write:resource:braces", 10),
    Comparison("export_write_200b", "export_write:product:200b", "export_write:gzip:200b", 30),
    Comparison("lanes_200b", "lanes:product:200b", "lanes:threads:200b", 40, LATENCY_MS),
)
# Told beside the others; no goal is set for them.
BESIDES = ("scan_write:client:200b", "export_write:spark:200b")
LEAST_ITEMS_PER_SECOND = 100_000
MOST_MEMORY_MIB = 64


@dataclass(frozen=True)
class Sample:
    """One run of one case."""

    items: int
    cpu_seconds: float
    seconds: float
    memory_kib: int

    @property
    def microseconds(self) -> float:
        """Return the CPU time of one item."""
        return 1e6 * self.cpu_seconds / self.items


@dataclass
class Served:
    """What the null server did, known when it has ended."""

    port: int
    requests: int = 0
    cpu_seconds: float = 0.0


@contextlib.contextmanager
def null_server(delay_ms: int) -> Iterator[Served]:
    """Run a null server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.null_server", str(delay_ms)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        output: IO[str] = process.stdout  # type: ignore[assignment]  # a pipe, as asked for
        served = Served(int(output.readline()))
        try:
            yield served
        finally:
            if process.stdin:
                process.stdin.close()
            requests, cpu = output.readline().split()
            served.requests, served.cpu_seconds = int(requests), float(cpu)


def measure(case: str, port: int) -> Sample:
    """Run one case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cases", case, str(port)]
    done = subprocess.run(
        command, cwd=CHECKOUT, env=_environment(), stdout=subprocess.PIPE, check=True, timeout=CASE_SECONDS
    )
    return Sample(*json.loads(done.stdout.splitlines()[-1]))


def _environment() -> dict[str, str]:
    # No call can leave the machine: the endpoint is the null server's, and the keys are nobody's.
    keys = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}
    outside = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}
    return {**os.environ, **keys, **outside}


def compare(comparison: Comparison, rounds: int) -> tuple[list[Sample], list[Sample], float]:
    """Run product and rival in turn; return their samples, and the server's CPU for one request in microseconds."""
    ours: list[Sample] = []
    theirs: list[Sample] = []
    with null_server(comparison.delay_ms) as served:
        for _ in range(rounds):
            ours.append(measure(comparison.product, served.port))
            theirs.append(measure(comparison.rival, served.port))
    return ours, theirs, 1e6 * served.cpu_seconds / max(1, served.requests)


def middle(samples: Sequence[Sample]) -> float:
    """Return the median CPU time of one item, in microseconds."""
    return statistics.median(sample.microseconds for sample in samples)


@dataclass
class Report:
    """What was measured, as it is printed and written."""

    ratios: dict[str, float] = field(default_factory=dict)
    items_per_second: float = 0.0
    memory_kib: int = 0

    def add(self, comparison: Comparison, rounds: int) -> None:
        """Run a comparison and print its line."""
        ours, theirs, server = compare(comparison, rounds)
        ratio = self.ratios[comparison.key] = round(middle(theirs) / middle(ours), 1)
        missed = "" if ratio >= comparison.least else "  MISSED"
        told = f"{middle(ours):9.2f}{middle(theirs):9.2f}{ratio:7.1f}x{comparison.least:5.0f}x{server:9.1f}{missed}"
        print(f"{comparison.key:20}{told}", flush=True)
        self.memory_kib = max(self.memory_kib, *(sample.memory_kib for sample in ours))
        if comparison.delay_ms:
            self.items_per_second = statistics.median(sample.items / sample.seconds for sample in ours)

    def to_text(self) -> str:
        """Return the report as JSON."""
        told = {"ratios": self.ratios, "items_per_second": round(self.items_per_second)}
        return json.dumps({**told, "memory_mib": round(self.memory_kib / 1024)}, indent=1)


def main() -> None:
    """Run all comparisons, print them, and write the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the ratios to this file")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    begun, report = time.monotonic(), Report()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print("product and rival: us of CPU for an item; server: us of CPU for a request, which holds 25 items or a page")
    print(f"{'':20}{'product':>9}{'rival':>9}{'ratio':>8}{'goal':>6}{'server':>9}")
    for comparison in COMPARISONS:
        report.add(comparison, options.rounds)
    _besides()
    print(
        f"one process at {LATENCY_MS} ms latency: {report.items_per_second:.0f} items/s (goal {LEAST_ITEMS_PER_SECOND})"
    )
    print(f"memory that 16 cursors took: {report.memory_kib / 1024:.0f} MiB (goal {MOST_MEMORY_MIB})")
    print(f"{time.monotonic() - begun:.0f} s")
    if options.json:
        options.json.write_text(report.to_text())


def _besides() -> None:
    with null_server(0) as served:
        for case in BESIDES:
            print(f"  {case}: {measure(case, served.port).microseconds:.1f} us")


if __name__ == "__main__":
    main()
