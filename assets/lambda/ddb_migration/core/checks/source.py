"""The source: there, serving, with a stream that can be captured, and exportable if it is exported."""

from __future__ import annotations

from collections.abc import Iterator

from ddb_migration.core.checks.commands import on_table
from ddb_migration.core.checks.table import usable
from ddb_migration.core.findings import Finding
from ddb_migration.core.place import Place
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table

# KEYS_ONLY works: every change then travels as a reread of its key.
USABLE_VIEWS = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")


def source(setup: Setup) -> Iterator[Finding]:
    """Find what keeps the source from being copied."""
    yield from _elsewhere(setup)
    if setup.source is not None:
        yield from usable("source", setup.source)
        yield from _stream(setup.source)
        yield from _recovery(setup, setup.source)
    elif not list(_elsewhere(setup)):
        yield Finding(
            "source-missing",
            f"the source table {setup.source_arn} does not exist",
            "Pass the table that holds the items as source_table; these are the tables of the Region",
            (f"aws dynamodb list-tables --region {setup.home.region}",),
        )


def _elsewhere(setup: Setup) -> Iterator[Finding]:
    place, home = Place.of(setup.source_arn), setup.home
    if (place.region, place.account) != (home.region, home.account):
        yield Finding(
            "source-elsewhere",
            f"the source table {setup.source_arn} is in {place}, and the migration in {home}",
            "A migration lives in the account and Region of its source: its functions are bound to the source's "
            "stream, which no other Region can read, and an export is made by the account that owns the table. Deploy "
            "the migration's stack there; the destination may be elsewhere",
        )


def _stream(table: Table) -> Iterator[Finding]:
    if table.stream_arn is None:
        yield Finding(
            "source-stream-off",
            f"the source table {table.name} has no stream, so its changes could not be captured",
            "Switch it on, and also in the template that owns the table, or its next deployment switches it off again; "
            "or set enable_source_features=True",
            (on_table(table.arn, "update-table", "--stream-specification", _STREAM_ON),),
        )
    elif table.stream_view not in USABLE_VIEWS:
        yield Finding(
            "source-stream-view",
            f"the stream of the source table {table.name} is {table.stream_view}, which holds no new image",
            "Use NEW_IMAGE or NEW_AND_OLD_IMAGES (KEYS_ONLY works and reads each changed item again); a view cannot be "
            "changed in place, and replacing the stream cuts off its other readers: plan these two commands with them",
            (
                on_table(table.arn, "update-table", "--stream-specification", "StreamEnabled=false"),
                on_table(table.arn, "update-table", "--stream-specification", _STREAM_ON),
            ),
        )


_STREAM_ON = "StreamEnabled=true,StreamViewType=NEW_IMAGE"


def _recovery(setup: Setup, table: Table) -> Iterator[Finding]:
    if setup.is_large and not setup.source_recovery:
        yield Finding(
            "source-recovery-off",
            f"the source table {table.name} has {table.size_bytes:,} bytes, from size_threshold on it is exported, and "
            "point-in-time recovery, which an export needs, is off",
            "Switch it on; or set enable_source_features=True; or raise size_threshold",
            (
                on_table(
                    table.arn,
                    "update-continuous-backups",
                    "--point-in-time-recovery-specification",
                    "PointInTimeRecoveryEnabled=true",
                ),
            ),
        )
