"""Who else reads the two streams, as far as the event source mappings of this account show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ddb_migration.core.findings import Finding
from ddb_migration.core.place import Place
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table


def readers(setup: Setup) -> Iterator[Finding]:
    """Find readers that capture would throttle, and readers that would see every migrated item."""
    if setup.source is not None:
        yield from _of_source(setup.source, setup.source_readers)
    if setup.destination is not None and setup.destination_readers:
        yield Finding(
            "destination-stream-readers",
            f"the stream of the destination {setup.destination.name} is read by {_listed(setup.destination_readers)}, "
            "which will see every migrated item and every change again, as if the application had written it",
            "Disable these mappings until you have cut over (the migration never touches them), or make sure that "
            "their functions may run once more for each item",
            tuple(_list_mappings(reader) for reader in setup.destination_readers),
        )


def _of_source(source: Table, others: Sequence[str]) -> Iterator[Finding]:
    """A shard serves two readers, of a global table one (DynamoDB quotas, "Simultaneous readers of a shard")."""
    most = 1 if source.replicas else 2
    if len(others) >= most:
        yield Finding(
            "stream-readers",
            f"the stream of the source {source.name} is read by {_listed(others)}; with capture that makes "
            f"{len(others) + 1} readers, and a shard serves {most}" + (" where the table has replicas" * (most == 1)),
            "More are throttled, which delays capture and the others; take one away for the migration, for example by "
            "letting one function call the other's code",
            tuple(_list_mappings(reader) for reader in others),
        )


def _listed(functions: Sequence[str]) -> str:
    return ", ".join(function.rsplit(":function:", 1)[-1] for function in functions)


def _list_mappings(function: str) -> str:
    return f"aws lambda list-event-source-mappings --region {Place.of(function).region} --function-name {function}"
