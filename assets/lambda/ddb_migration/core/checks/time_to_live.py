"""Time to live: on at the destination, it deletes there before the migration is done."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration.core.checks.commands import on_table
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table


def time_to_live(setup: Setup) -> Iterator[Finding]:
    """Find a destination that expires items; one that does not is right, whatever the source does."""
    attribute, there = setup.source_time_to_live, setup.destination_time_to_live
    if setup.destination is None or there is None:
        return
    if there == attribute:
        yield Finding(
            "destination-time-to-live",
            f"time to live is on at the destination {setup.destination.name} (attribute {there}): it deletes items "
            "there at other moments than at the source, so the two differ until the drain has ended",
            "Switch it off, in the template too, and on again after you have cut over (DynamoDB takes one change an "
            "hour); expired items of the source are deleted in the destination with it anyway",
            (switch(setup.destination, there, on=False),),
        )
    else:
        yield Finding(
            "time-to-live-differs",
            f"time to live at the destination {setup.destination.name} goes by the attribute {there}, and at the "
            f"source {f'by {attribute}' if attribute else 'it is off'}: the destination would delete items that the "
            "source keeps",
            "Switch it off at the destination, in the template too, until you have cut over",
            (switch(setup.destination, there, on=False),),
        )


def switch(table: Table, attribute: str, *, on: bool) -> str:
    """Return the command that switches a table's time to live."""
    wanted = f"Enabled={'true' if on else 'false'},AttributeName={attribute}"
    return on_table(table.arn, "update-time-to-live", "--time-to-live-specification", wanted)
