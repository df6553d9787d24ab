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

# The goal is 150 calls for each migration: with its part of what its stack costs, and in a construct of its own.
GOAL = 150
# The calls of one more migration of a stack.
MOST_CALLS = 144
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


def calls_of(count: int, wrapped: bool = False) -> int:
    """Return the calls that an app with so many migrations makes for them; `wrapped` puts each into a construct."""
    from aws_cdk import App, Stack
    from aws_cdk import aws_dynamodb as dynamodb
    from constructs import Construct

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
        scopes: list[Construct] = [stacks[number // IN_A_STACK] for number in range(count)]
        if wrapped:
            scopes = [Construct(scope, f"Scope{number}") for number, scope in enumerate(scopes)]
        with counted() as counter:
            for number, (scope, (old, new)) in enumerate(zip(scopes, places, strict=True)):
                DynamoDbTableMigration(scope, f"Migration{number}", source_table=old, destination_table=new)
            app.synth()
    return counter.calls


def measure(count: int) -> Cost:
    """Measure in a process of its own, and take off what a process costs that does nothing but load the CDK."""
    calls, seconds = run(count)
    _, loading = run(0)
    return Cost(count, calls, seconds - loading)


def run(count: int, wrapped: bool = False) -> tuple[int, float]:
    """Return calls and CPU seconds of a process that builds so many migrations, its own process of Node included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "benchmarks.synth", "--count", str(count), *["--wrapped"] * wrapped]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int(answer.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print; exit with 1 where a migration costs more calls than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--wrapped", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.count is not None:
        print(calls_of(asked.count, asked.wrapped))
        return
    costs = [measure(count) for count in COUNTS]
    figures = [
        ("one more of a stack", one_more(costs[0].calls, costs[1].calls), MOST_CALLS),
        ("one more, in a construct of its own", one_more(run(1, True)[0], run(IN_A_STACK, True)[0]), GOAL),
        *((f"each of {cost.migrations}", cost.calls_each, GOAL) for cost in costs[1:]),
    ]
    report(costs, figures)
    if asked.json:
        told = {"costs": [asdict(cost) for cost in costs], "figures": {name: value for name, value, _ in figures}}
        asked.json.write_text(json.dumps(told) + "\n")
    sys.exit(any(value > most for _, value, most in figures))


def one_more(of_one: int, of_a_stack: int) -> float:
    """Return what one more migration costs, given the calls of one alone and of a stack that is full."""
    return (of_a_stack - of_one) / (IN_A_STACK - 1)


def report(costs: list[Cost], figures: list[tuple[str, float, int]]) -> None:
    """Print a line for each number of migrations, and each figure that has a goal."""
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'migrations':>10}{'calls':>9}{'calls each':>12}{'CPU s':>9}{'CPU ms each':>13}")
    for cost in costs:
        each = 1000 * cost.seconds / cost.migrations
        print(f"{cost.migrations:10}{cost.calls:9}{cost.calls_each:12.1f}{cost.seconds:9.2f}{each:13.0f}")
    for name, value, most in figures:
        print(f"{name}: {value:.1f} calls; goal: at most {most}: {'met' if value <= most else 'MISSED'}")


if __name__ == "__main__":
    main()
