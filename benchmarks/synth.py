"""What a migration costs at synthesis: `python -m benchmarks.synth [--json FILE]`.

For 1, 10 and 50 migrations, ten in a stack: calls from Python into the CDK's runtime (jsii), and CPU time of both
processes. The tables are made before counting begins; counted is all from the first migration to the written template.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ddb_migration_construct.toolchain import jsii_environment

# CDK's own validator of templates takes 3 s a synthesis, whatever is in it.
os.environ.update(jsii_environment(), CDK_VALIDATION="false")

# The calls of one more migration of a stack. The goal is 150.
MOST_CALLS = 149
COUNTS = (1, 10, 50)
IN_A_STACK = 10


@dataclass(frozen=True)
class Cost:
    """What some migrations cost together; seconds are CPU time of Python and Node."""

    migrations: int
    calls: int
    seconds: float

    @property
    def calls_each(self) -> float:
        """Return the calls for one migration."""
        return self.calls / self.migrations


class Counter:
    """How many messages have been sent to the process of jsii."""

    def __init__(self) -> None:
        self.calls = 0


@contextmanager
def counted() -> Iterator[Counter]:
    """Count every message to jsii's process: creations, calls, properties, and answers to its calls back."""
    from jsii._kernel.providers import process

    counter, node = Counter(), process._NodeProcess
    send = node.send

    def counting(self: Any, request: Any, response_type: Any) -> Any:
        counter.calls += 1
        return send(self, request, response_type)

    node.send = counting  # type: ignore[method-assign]  # there is no hook
    try:
        yield counter
    finally:
        node.send = send  # type: ignore[method-assign]  # there is no hook


def calls_of(count: int) -> int:
    """Return the calls that an app with so many migrations makes for them."""
    from aws_cdk import App, Stack
    from aws_cdk import aws_dynamodb as dynamodb

    from ddb_migration_construct import DynamoDbTableMigration

    with tempfile.TemporaryDirectory() as folder:
        app = App(outdir=folder, analytics_reporting=False)
        tables, places = Stack(app, "Tables"), []
        for number in range(count):
            arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/table-{number}"
            key = dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING)
            new = dynamodb.Table(tables, f"New{number}", partition_key=key)
            places.append((dynamodb.Table.from_table_arn(tables, f"Old{number}", arn), new))
        stacks = [Stack(app, f"Migrations{number}") for number in range(-(-count // IN_A_STACK))]
        with counted() as counter:
            for number, (old, new) in enumerate(places):
                stack = stacks[number // IN_A_STACK]
                DynamoDbTableMigration(stack, f"Migration{number}", source_table=old, destination_table=new)
            app.synth()
    return counter.calls


def measure(count: int) -> Cost:
    """Measure in a process of its own, and take off what a process costs that does nothing but load the CDK."""
    calls, seconds = run(count)
    _, loading = run(0)
    return Cost(count, calls, seconds - loading)


def run(count: int) -> tuple[int, float]:
    """Return calls and CPU seconds of a process that builds so many migrations, its own process of Node included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "benchmarks.synth", "--count", str(count)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int(answer.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print; exit with 1 where one more migration costs more calls than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.count is not None:
        print(calls_of(asked.count))
        return
    costs = [measure(count) for count in COUNTS]
    one_more = (costs[1].calls - costs[0].calls) / (costs[1].migrations - costs[0].migrations)
    report(costs, one_more)
    if asked.json:
        asked.json.write_text(json.dumps({"costs": [asdict(cost) for cost in costs], "one_more": one_more}) + "\n")
    sys.exit(one_more > MOST_CALLS)


def report(costs: list[Cost], one_more: float) -> None:
    """Print a line for each number of migrations."""
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'migrations':>10}{'calls':>9}{'calls each':>12}{'CPU s':>9}{'CPU ms each':>13}")
    for cost in costs:
        each = 1000 * cost.seconds / cost.migrations
        print(f"{cost.migrations:10}{cost.calls:9}{cost.calls_each:12.1f}{cost.seconds:9.2f}{each:13.0f}")
    verdict = "met" if one_more <= MOST_CALLS else "MISSED"
    print(f"one more migration of a stack: {one_more:.1f} calls; goal: at most {MOST_CALLS}: {verdict}")


if __name__ == "__main__":
    main()
