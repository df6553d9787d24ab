"""CPU for each item of VerifyJob, beside the bulk load's reading of the same: `python -m benchmarks.verify`.

Both run against a null server, each in a process of its own, in turn. An item is one item of one table: a pass reads
every item twice, once of each. Reading is what the bulk load does before it writes: request, answer, cutting into
items. What Spark shuffles is told for tables that hash their keys alike.
"""

from __future__ import annotations

import argparse
import os

import boto3
from botocore.config import Config

from benchmarks.bulk_load import LATENCY_MS, measure, middle, null_server
from benchmarks.cases import SEGMENTS, arn
from benchmarks.shapes import SHAPES
from benchmarks.verifying import verify

MOST = 1.5


def compare(shape: str, rounds: int) -> tuple[float, float, float]:
    """Return the microseconds of CPU for an item: reading it, verifying it, and of the bulk load as a whole."""
    with null_server(0) as served:
        cases = [f"{what}:product:{shape}" for what in ("read", "verify", "scan_write")]
        samples = [[measure(case, served.port) for case in cases] for _ in range(rounds)]
    reading, verifying, copying = (middle(column) for column in zip(*samples, strict=True))
    return reading, verifying, copying


def shuffled_bytes(shape: str) -> float:
    """Return the bytes that Spark shuffles for an item."""
    keys = {"aws_access_key_id": "benchmark", "aws_secret_access_key": "benchmark"}
    with null_server(LATENCY_MS) as served:
        url, config = f"http://127.0.0.1:{served.port}", Config(retries={"total_max_attempts": 1})
        client = boto3.client("dynamodb", region_name="eu-west-1", endpoint_url=url, config=config, **keys)
        items, shuffled = verify(client, arn(shape), SEGMENTS[shape] // 2)
    return shuffled / items


def main() -> None:
    """Measure all shapes and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print("us of CPU for an item; goal: verifying at most 1.5 times reading")
    print(f"{'':10}{'reading':>9}{'verifying':>11}{'ratio':>8}{'copying':>10}{'shuffled':>12}")
    for shape in SHAPES:
        reading, verifying, copying = compare(shape, rounds)
        ratio = verifying / reading
        missed = "" if ratio <= MOST else "  MISSED"
        told = f"{reading:9.2f}{verifying:11.2f}{ratio:7.2f}x{copying:10.2f}{shuffled_bytes(shape):10.1f} B{missed}"
        print(f"{shape:10}{told}", flush=True)


if __name__ == "__main__":
    main()
