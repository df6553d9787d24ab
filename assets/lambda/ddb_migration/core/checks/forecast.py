"""Whether the bulk load ends long before the changes that wait for it expire in the queue."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration.core.checks.commands import more_writes
from ddb_migration.core.findings import Finding
from ddb_migration.core.forecast import (
    LONGEST_SHARE_OF_RETENTION,
    forecast_seconds,
    write_rate,
    writes_at_once,
    writes_needed,
)
from ddb_migration.core.setup import Setup

_DAY = 86400


def forecast(setup: Setup) -> Iterator[Finding]:
    """Find a bulk load that would take more than half of `change_retention`."""
    seconds = forecast_seconds(setup)
    # Behind the barrier there is no bulk load any more.
    if setup.record.is_open and setup.record.apply_started is not None:
        return
    if seconds > setup.retention_seconds * LONGEST_SHARE_OF_RETENTION:
        reads = "" if setup.is_large else f"reading {setup.read_units:g} and "
        yield Finding(
            "forecast",
            f"the bulk load will take at least {seconds / _DAY:.1f} days, {reads}writing {write_rate(setup):g} units a "
            f"second, and a change expires in the queue after {setup.retention_seconds / _DAY:g} days; more than half "
            "of that leaves too little for the backlog",
            "Give the destination more write capacity (or warm throughput), raise max_read_units_per_second, or lower "
            "size_threshold so that the source is exported, or raise change_retention (14 days at most)",
            _commands(setup),
        )


def too_small(setup: Setup) -> Iterator[str]:
    """Say that the destination takes less than `max_write_units_per_second` from the start, and what to do."""
    table, wish = setup.destination, setup.write_units
    if table is None or not wish or writes_at_once(table) >= wish:
        return
    yield (
        f"max_write_units_per_second is {wish:g} and the destination takes {writes_at_once(table):g} from the start, "
        f"so the bulk load is throttled to that; to have it take {wish:g} (throughput is charged, and what is warm "
        f"cannot be lowered again): {more_writes(table, wish)}"
    )


def _commands(setup: Setup) -> tuple[str, ...]:
    """Return what gives the destination enough, where it is the destination that takes too little."""
    needed, table = writes_needed(setup), setup.destination
    return (more_writes(table, needed),) if table and writes_at_once(table) < needed else ()
