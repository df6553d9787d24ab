"""The bill of a planned migration: what is used, line by line, and what that costs where prices are known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ddb_migration.core.bulk_plan import CORES_PER_WORKER
from ddb_migration.core.plan import (
    MESSAGES_OF_AN_INVOCATION,
    SECONDS_OF_AN_INVOCATION,
    WATERMARK_UNITS,
    Figure,
    Fleet,
    Schedule,
    Traffic,
    item_units,
    read_units,
    tables,
    verify_units,
)
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table

# What a price is asked for, and in what unit it is given.
EXPORT, READS, WRITES = "export", "reads", "writes"
REQUESTS_SQS, REQUESTS_LAMBDA, LAMBDA, GLUE = "sqs-requests", "lambda-requests", "lambda", "glue"

GIB = 2**30
# SQS pricing: a request carries up to 64 KB.
REQUEST_BYTES = 64 * 1024
CORES_OF_A_DPU = 4
# The functions' memory: stream_processor.py and write_cdc.py of the construct.
PROCESSOR_GIB, WRITER_GIB = 1.0, 0.5
# StartCapture: batches of up to 1,000 records, collected for up to 2 s. How long one takes is an assumption.
RECORDS_OF_A_BATCH, BATCH_WINDOW_SECONDS, SECONDS_OF_A_BATCH = 1000, 2, 0.5


@dataclass(frozen=True)
class Line:
    """One line: an amount of units, and the price that it is charged by; None where nothing more is charged."""

    name: str
    amount: float
    unit: str
    price: str | None
    source: str


def bill(setup: Setup, traffic: Traffic, fleet: Fleet, times: Schedule) -> tuple[Line, ...]:
    """Return what a migration uses until its cut-over; an endless drain is left out of it."""
    drain = 0.0 if math.isinf(times.drain) else times.drain
    seconds = times.waiting + drain + traffic.days_in_step.value * 86_400
    changes = math.ceil(traffic.mean.value * seconds)
    return (
        *_bulk(setup),
        *_applied(setup, changes),
        *_carried(setup, traffic, changes),
        _glue(fleet, times),
        *_verified(setup),
    )


def money(line: Line, prices: Mapping[str, float]) -> float | None:
    """Return what a line costs: 0 where nothing more is charged, None where its price is not known."""
    if line.price is None:
        return 0.0
    price = prices.get(line.price)
    return None if price is None else line.amount * price


def units_of_a_write(source: Table, destination: Table) -> int:
    """Return the write units of an average item with its index entries, were it in every index."""
    item = item_units(source)
    kinds = [projection for _, projection, _ in destination.indexes.values()]
    return item + sum(1 if kind == "KEYS_ONLY" else item for kind in kinds)


def units_text(units: int) -> str:
    """Return a number of units in words."""
    return f"{units} unit" if units == 1 else f"{units} units"


def _bulk(setup: Setup) -> Iterator[Line]:
    source, destination = tables(setup)
    if setup.is_large:
        yield Line("export", source.size_bytes / GIB, "GB", EXPORT, "TableSizeBytes")
    else:
        yield _reads("reads of the bulk load", read_units(source), source, "4 KB a unit, consistent")
    per_item = units_of_a_write(source, destination)
    told = f"ItemCount, {units_text(per_item)} each with {len(destination.indexes)} indexes, all items in all of them"
    yield _writes("writes of the bulk load", source.item_count * per_item, destination, told)


def _applied(setup: Setup, changes: int) -> Iterator[Line]:
    source, destination = tables(setup)
    per_item = units_of_a_write(source, destination)
    yield _writes(
        "writes of changes", changes * per_item, destination, f"{changes:,} changes, {units_text(per_item)} each"
    )
    told = f"{changes:,} changes, {WATERMARK_UNITS} units each: the row, and its index entry moved"
    yield Line("watermarks", changes * WATERMARK_UNITS, "write units", WRITES, told)


def _carried(setup: Setup, traffic: Traffic, changes: int) -> Iterator[Line]:
    source, _ = tables(setup)
    average = source.size_bytes / source.item_count if source.item_count else 0
    batches = math.ceil(changes / MESSAGES_OF_AN_INVOCATION)
    chunks = max(1, math.ceil(average * MESSAGES_OF_AN_INVOCATION / REQUEST_BYTES))
    told = f"batches of 10: sent and received in {chunks} of 64 KB each, deleted in one"
    yield Line("change queue", batches * (2 * chunks + 1), "requests", REQUESTS_SQS, told)
    records = min(RECORDS_OF_A_BATCH, max(1.0, traffic.mean.value * BATCH_WINDOW_SECONDS))
    captures = math.ceil(changes / records)
    yield Line("functions, calls", batches + captures, "requests", REQUESTS_LAMBDA, "a call for each batch")
    used = batches * SECONDS_OF_AN_INVOCATION * WRITER_GIB + captures * SECONDS_OF_A_BATCH * PROCESSOR_GIB
    told = f"assumption: {SECONDS_OF_AN_INVOCATION:g} s for 10 messages, {SECONDS_OF_A_BATCH:g} s for a stream batch"
    yield Line("functions, time", used, "GB-seconds", LAMBDA, told)


def _glue(fleet: Fleet, times: Schedule) -> Line:
    dpu = fleet.max_workers * CORES_PER_WORKER[fleet.worker_type] / CORES_OF_A_DPU
    seconds = times.seconds("Glue start") + times.seconds("Bulk load") + times.seconds("Verify")
    told = f"{fleet.max_workers} workers of {fleet.worker_type} for bulk load and verify"
    return Line("Glue", dpu * seconds / 3600, "DPU-hours", GLUE, told)


def _verified(setup: Setup) -> Iterator[Line]:
    source, destination = tables(setup)
    units, told = verify_units(source), "8 KB a unit, the destination holding what the source holds"
    yield _reads("reads of verify, source", units, source, told)
    yield _reads("reads of verify, destination", units, destination, told)


def _reads(name: str, units: float, table: Table, told: str) -> Line:
    if table.provisioned_reads:
        return Line(name, units, "read units", None, f"TableSizeBytes, {told}; within what is provisioned")
    return Line(name, units, "read units", READS, f"TableSizeBytes, {told}")


def _writes(name: str, units: float, table: Table, told: str) -> Line:
    if table.provisioned_writes:
        return Line(name, units, "write units", None, f"{told}; within what is provisioned")
    return Line(name, units, "write units", WRITES, told)


def total(lines: tuple[Line, ...], prices: Mapping[str, float]) -> Figure | None:
    """Return the sum of all lines, None where a price is missing."""
    costs = [money(line, prices) for line in lines]
    known = [cost for cost in costs if cost is not None]
    return Figure("total", sum(known), "USD", "AWS Price List") if len(known) == len(costs) else None
