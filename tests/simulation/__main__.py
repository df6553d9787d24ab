"""`python -m tests.simulation`: many runs, their faults counted, a failing one shrunk and told."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
sys.path[:0] = [str(CHECKOUT / part) for part in ("src", "assets/lambda", "assets/glue")]

from tests.simulation.faults import KINDS, chosen  # noqa: E402  the product's code is on the path only now
from tests.simulation.guards import GUARDS, named  # noqa: E402
from tests.simulation.many import simulated  # noqa: E402
from tests.simulation.scenario import drawn  # noqa: E402
from tests.simulation.shrinking import shrunk  # noqa: E402
from tests.simulation.timeline import timeline  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Run the simulation; 0 when nothing was found, or when what was looked for without a guard was."""
    options = _options(arguments)
    on = chosen(options.faults.split(",") if options.faults else None)
    without = named(options.without.split(",") if options.without else [])
    limits = (options.keep_going, options.processes, options.seconds)
    report = simulated(options.runs, options.seed, on, without, *limits)
    failing = report["failing"]
    print(_summary(report))
    if failing and not options.no_timeline:
        print(f"\nseed {failing[0]}, made shorter:")
        print("\n".join(timeline(shrunk(drawn(failing[0], on), without), without)))
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=2) + "\n")
    return int(bool(failing) != bool(without))


def _summary(report: dict[str, Any]) -> str:
    faults = {kind: count for kind, count in report["faults"].items() if count}
    lines = [
        f"{report['runs']} runs, {report['divergences']} divergences, {report['runs_per_second']} runs a second "
        f"({report['runs_per_processor_second']} for each second of processor time: "
        + ", ".join(f"{speed} as far as {end}" for end, speed in report["runs_per_processor_second_by_end"].items())
        + ")",
        f"{sum(faults.values())} faults of {len(faults)} kinds: "
        + ", ".join(f"{kind} {count}" for kind, count in sorted(faults.items())),
        "refusals: " + (", ".join(f"{code} {count}" for code, count in sorted(report["refusals"].items())) or "none"),
        *(f"seed {seed} fails" for seed in report["failing"]),
        *report["findings"],
    ]
    return "\n".join(lines)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="how many migrations")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first; each next one adds 1")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no run after so long")
    parser.add_argument("--processes", type=int, default=1, help="how many processes make them side by side")
    parser.add_argument("--faults", help=f"only these kinds, separated by commas, of: {', '.join(KINDS)}")
    parser.add_argument("--without", help=f"take these guards out, separated by commas, of: {', '.join(GUARDS)}")
    parser.add_argument("--json", help="write the report to this file")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first divergence")
    parser.add_argument("--no-timeline", action="store_true", help="do not shrink and tell a failing run")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
