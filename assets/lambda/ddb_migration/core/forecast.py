"""How long a bulk load will take: a floor that follows from sizes and limits, and nothing else.

Not in it: the time of the export itself (AWS promises none), of Glue's start, of throttling by hot partitions,
and of the destination's global indexes, whose capacity is their own.
"""

from __future__ import annotations

from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table

# Read and write units: DynamoDB Developer Guide, "DynamoDB read and write operations". A Scan is charged by the
# sum of its items, and here it is consistent; a write is charged item by item.
READ_UNIT_BYTES = 4096
WRITE_UNIT_BYTES = 1024
# Developer Guide, "On-demand capacity mode": what a new table takes at once; more comes with use.
ON_DEMAND_WRITES = 4000
# The rest of the retention is for the backlog itself, and for a job that has to go on after a failure.
LONGEST_SHARE_OF_RETENTION = 0.5


def forecast_seconds(setup: Setup) -> float:
    """Return the forecast of the bulk load; 0 where a table is missing."""
    if setup.source is None or setup.destination is None:
        return 0.0
    reading = 0.0 if setup.is_large else setup.source.size_bytes / READ_UNIT_BYTES / setup.read_units
    return max(reading, _write_units(setup.source, setup.destination) / write_rate(setup))


def write_rate(setup: Setup) -> float:
    """Return the write units a second that the forecast counts on: the destination's, or the limit if lower."""
    taken = float(ON_DEMAND_WRITES) if setup.destination is None else writes_at_once(setup.destination)
    return min(taken, setup.write_units) if setup.write_units else taken


def writes_at_once(table: Table) -> float:
    """Return the write units a second that a table takes from the start."""
    if table.provisioned_writes:
        return float(table.provisioned_writes)
    return float(min(on_demand := table.warm_writes or ON_DEMAND_WRITES, table.most_writes or on_demand))


def writes_needed(setup: Setup) -> float:
    """Return the write units a second with which the writing takes no more of the retention than it may."""
    if setup.source is None or setup.destination is None:
        return 0.0
    return _write_units(setup.source, setup.destination) / (setup.retention_seconds * LONGEST_SHARE_OF_RETENTION)


def _write_units(source: Table, destination: Table) -> float:
    if not source.item_count:
        return 0.0
    average = source.size_bytes / source.item_count
    # A local index is written with its table's capacity; taken here to hold every item whole.
    copies = 1 + len(destination.local_indexes)
    return source.item_count * max(1, -(-average // WRITE_UNIT_BYTES)) * copies
