"""The way back: whether the migration could be rolled back, where it is to be."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration.core.checks.commands import get_policy, on_table
from ddb_migration.core.checks.source import USABLE_VIEWS
from ddb_migration.core.fence import PolicyTooLarge, with_fence
from ddb_migration.core.findings import Finding
from ddb_migration.core.place import Place
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table

_WITHOUT = "leave rollback_window out: then the migration cannot be rolled back"
_STREAM_ON = "StreamEnabled=true,StreamViewType=NEW_IMAGE"


def way_back(setup: Setup) -> Iterator[Finding]:
    """Find what keeps the destination's changes from being carried back, or its writes from being fenced."""
    if setup.destination_fence is None:
        return
    yield from _elsewhere(setup)
    if setup.destination is not None:
        yield from _stream(setup.destination)
        yield from _fence(setup, setup.destination)


def _elsewhere(setup: Setup) -> Iterator[Finding]:
    if setup.is_account_another or setup.is_region_another:
        yield Finding(
            "destination-stream-elsewhere",
            f"the destination table {setup.destination_arn} is in {Place.of(setup.destination_arn)}, and the migration "
            f"in {setup.home}: its functions cannot read that stream",
            f"Move the destination, or {_WITHOUT}",
        )


def _stream(table: Table) -> Iterator[Finding]:
    if table.stream_arn is None:
        yield Finding(
            "destination-stream-off",
            f"the destination table {table.name} has no stream, so its changes could not be carried back",
            "Switch it on, and also in the template that owns the table, or its next deployment switches it off again; "
            f"or {_WITHOUT}",
            (on_table(table.arn, "update-table", "--stream-specification", _STREAM_ON),),
        )
    elif table.stream_view not in USABLE_VIEWS:
        yield Finding(
            "destination-stream-view",
            f"the stream of the destination table {table.name} is {table.stream_view}, which holds no new image",
            "Use NEW_IMAGE or NEW_AND_OLD_IMAGES (KEYS_ONLY works and reads each changed item again); a view cannot be "
            "changed in place, and replacing the stream cuts off its other readers: plan these two commands with them; "
            f"or {_WITHOUT}",
            (
                on_table(table.arn, "update-table", "--stream-specification", "StreamEnabled=false"),
                on_table(table.arn, "update-table", "--stream-specification", _STREAM_ON),
            ),
        )


def _fence(setup: Setup, table: Table) -> Iterator[Finding]:
    if table.replicas:
        yield Finding(
            "destination-replicas",
            f"the destination table {table.name} has {table.replicas} replicas, and a policy fences the writes of one "
            "Region only: a roll back could lose what is written in another",
            f"Add the replicas when the migration is completed, or {_WITHOUT}",
        )
    try:
        with_fence(setup.destination_policy, setup.destination_fence or {})
    except PolicyTooLarge as too_large:
        yield Finding(
            "destination-fence-policy",
            f"the destination table {table.name} cannot be fenced for a roll back: {too_large}",
            f"Shorten the policy, which this shows, or {_WITHOUT}",
            (get_policy(table.arn),),
        )
