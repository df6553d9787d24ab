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
PROCESSOR_GIB, WRITER_GIB = 1.0, 1769 / 1024
# StartCapture: batches of up to 1,000 records, collected for up to 2 s. How long one takes is an assumption.
RECORDS_OF_A_BATCH, BATCH_WINDOW_SECONDS, SECONDS_OF_A_BATCH = 1000, 2, 0.5
# stream_processor, tripwire.py: a change's own watermark and that of the way back, each read consistently.
TRIPWIRE_READS = 2
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Line:
    """One line: an amount of units, and the price that it is charged by; None where nothing more is charged."""

    name: str
    amount: float
    unit: str
    price: str | None
    source: str


def bill(setup: Setup, traffic: Traffic, fleet: Fleet, times: Schedule) -> tuple[Line, ...]:
    """Return what a migration uses until its cut-over, and in its rollback window; an endless drain is left out."""
    drain = 0.0 if math.isinf(times.drain) else times.drain
    seconds = times.waiting + drain + traffic.days_in_step.value * DAY_SECONDS
    changes = math.ceil(traffic.mean.value * seconds)
    return (
        *_bulk(setup),
        *_applied(setup, changes),
        *_carried(setup, traffic, changes),
        _glue(fleet, times),
        *_verified(setup),
        *_way_back(setup, traffic, fleet, times),
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
    batches = _batches_of_changes(changes)
    yield _queue_line("change queue", source, batches)
    captures = _captures_of(traffic, changes)
    yield Line("functions, calls", batches + captures, "requests", REQUESTS_LAMBDA, "a call for each batch")
    yield _time_line("functions, time", batches, captures)


def _batches_of_changes(changes: int) -> int:
    """Return the batches in which changes go through a queue."""
    return math.ceil(changes / MESSAGES_OF_AN_INVOCATION)


def _captures_of(traffic: Traffic, changes: int) -> int:
    """Return the batches in which a stream hands over the changes of an application."""
    records = min(RECORDS_OF_A_BATCH, max(1.0, traffic.mean.value * BATCH_WINDOW_SECONDS))
    return math.ceil(changes / records)


def _queue_line(name: str, table: Table, batches: int) -> Line:
    """Return the requests to a queue for so many batches of changes with items of a table."""
    average = table.size_bytes / table.item_count if table.item_count else 0
    chunks = max(1, math.ceil(average * MESSAGES_OF_AN_INVOCATION / REQUEST_BYTES))
    told = f"batches of 10: sent and received in {chunks} of 64 KB each, deleted in one"
    return Line(name, batches * (2 * chunks + 1), "requests", REQUESTS_SQS, told)


def _time_line(name: str, batches: int, captures: int) -> Line:
    """Return the time of both functions of a path for so many batches of a queue, and of a stream."""
    used = batches * SECONDS_OF_AN_INVOCATION * WRITER_GIB + captures * SECONDS_OF_A_BATCH * PROCESSOR_GIB
    told = f"assumption: {SECONDS_OF_AN_INVOCATION:g} s for 10 messages, {SECONDS_OF_A_BATCH:g} s for a stream batch"
    return Line(name, used, "GB-seconds", LAMBDA, told)


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


def _way_back(setup: Setup, traffic: Traffic, fleet: Fleet, times: Schedule) -> Iterator[Line]:
    """Yield what the rollback window costs: each write of the application to the destination is carried back."""
    if fleet.rollback_window_seconds is None:
        return
    source, _ = tables(setup)
    changes = math.ceil(traffic.mean.value * fleet.rollback_window_seconds)
    days = f"{changes:,} changes in {fleet.rollback_window_seconds / DAY_SECONDS:g} days of rollback_window"
    loaded, copied = _let_go(setup, traffic, times)
    told = f"{loaded + copied:,} before the cut-over, then {days}; Lambda reads a stream for nothing (DynamoDB pricing)"
    yield Line("way back, stream", loaded + copied + changes, "records", None, told)
    per_item = units_of_a_write(source, source)
    yield _writes("way back, writes", changes * per_item, source, f"{days}, {units_text(per_item)} each")
    told = f"{days}, {WATERMARK_UNITS} units each, as those of the way there"
    yield Line("way back, watermarks", changes * WATERMARK_UNITS, "write units", WRITES, told)
    told = f"{days}, each in the source's stream too, and known there by {TRIPWIRE_READS} watermarks"
    yield Line("way back, tripwire", changes * TRIPWIRE_READS, "read units", READS, told)
    batches, captures = _batches_of_changes(changes), _captures_of(traffic, changes)
    yield _queue_line("way back, queue", source, batches)
    # What is let go comes to ReverseStreamProcessor, and what is written back to StreamProcessor as well.
    handed_over = math.ceil(loaded / RECORDS_OF_A_BATCH) + _captures_of(traffic, copied) + 2 * captures
    told = "a call for each batch: of the queue, of the destination's stream, of what comes back in the source's"
    yield Line("way back, calls", batches + handed_over, "requests", REQUESTS_LAMBDA, told)
    yield _time_line("way back, time", batches, handed_over)


def _let_go(setup: Setup, traffic: Traffic, times: Schedule) -> tuple[int, int]:
    """Return the records of the bulk load, and of changes, that the way back is handed before the cut-over.

    It begins after Verify with the oldest record of the destination's stream, which is a day old at most.
    """
    source, _ = tables(setup)
    load, verify = times.seconds("Bulk load"), times.seconds("Verify")
    drain = 0.0 if math.isinf(times.drain) else times.drain
    since_load = times.seconds("Barrier") + drain + verify
    kept = min(load, max(0.0, DAY_SECONDS - since_load))
    loaded = math.ceil(source.item_count * (kept / load)) if load else 0
    in_step = max(0.0, traffic.days_in_step.value * DAY_SECONDS - verify)
    seconds = min(DAY_SECONDS, times.waiting + drain + verify) + in_step
    return loaded, math.ceil(traffic.mean.value * seconds)


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
