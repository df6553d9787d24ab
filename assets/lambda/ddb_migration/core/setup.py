"""What SetupCheck asks of the two tables: pure checks over their descriptions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.findings import Finding
from ddb_migration.core.table import Table

USABLE_VIEWS = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")
# DynamoDB Streams keeps a record for 24 hours (Developer Guide, "Change data capture for DynamoDB Streams").
STREAM_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Setup:
    """Everything that the checks look at; a table is None where it does not exist."""

    source_arn: str
    destination_arn: str
    source: Table | None
    destination: Table | None
    source_recovery: bool
    destination_empty: bool
    is_large: bool
    record: ControlRecord
    captured_until: float | None
    other_readers: int
    running_execution: str | None
    destination_holder: str | None
    now: float


def check(setup: Setup) -> list[Finding]:
    """Return every finding, required and advised, in the order of the path."""
    return [*_source(setup), *_destination(setup), *_both(setup), *_epoch(setup)]


def _source(setup: Setup) -> Iterator[Finding]:
    source = setup.source
    if source is None:
        yield Finding(
            "source-missing",
            f"the source table {setup.source_arn} does not exist",
            "Pass the table that holds the items as source_table",
        )
        return
    yield from _active("source", source)
    yield from _stream(source)
    yield from _readers(source, setup.other_readers)
    if setup.is_large and not setup.source_recovery:
        yield Finding(
            "source-recovery-off",
            f"the source table {source.name} is above size_threshold, so it is exported, "
            "and point-in-time recovery is off",
            f"Switch it on: aws dynamodb update-continuous-backups --table-name {source.name} "
            "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true; "
            "or set enable_source_features=True; or raise size_threshold",
        )


def _active(role: str, table: Table) -> Iterator[Finding]:
    if table.status not in ("ACTIVE", "UPDATING"):
        yield Finding(
            f"{role}-not-active",
            f"the {role} table {table.name} is {table.status}",
            "Wait until it is ACTIVE, or mend what keeps it from that, and start again",
        )


def _stream(source: Table) -> Iterator[Finding]:
    if source.stream_arn is None:
        yield Finding(
            "source-stream-off",
            f"the source table {source.name} has no stream, so its changes could not be captured",
            f"Switch it on: aws dynamodb update-table --table-name {source.name} "
            "--stream-specification StreamEnabled=true,StreamViewType=NEW_IMAGE; "
            "or set enable_source_features=True",
        )
    elif source.stream_view not in USABLE_VIEWS:
        yield Finding(
            "source-stream-view",
            f"the stream of the source table {source.name} is {source.stream_view}, which holds no new image",
            "Use NEW_IMAGE or NEW_AND_OLD_IMAGES (KEYS_ONLY works and reads each changed item again); a view "
            "cannot be changed in place, and replacing the stream cuts off its other readers: plan it with them",
        )


def _readers(source: Table, others: int) -> Iterator[Finding]:
    """A shard serves two readers, of a global table one (DynamoDB quotas, "Simultaneous readers of a shard")."""
    most = 0 if source.replicas else 1
    if others > most:
        yield Finding(
            "stream-readers",
            f"{others} functions of this account already read the stream of {source.name}, "
            f"which serves {most + 1} readers" + (" where the table has replicas" if source.replicas else ""),
            "More readers are throttled, which delays capture and the others; take one away for the migration",
            required=False,
        )


def _destination(setup: Setup) -> Iterator[Finding]:
    destination = setup.destination
    if destination is None:
        yield Finding(
            "destination-missing",
            f"the destination table {setup.destination_arn} does not exist",
            "Create it first, with the source's keys and indexes, and pass it as destination_table",
        )
        return
    yield from _active("destination", destination)
    if not setup.destination_empty and not setup.record.is_open:
        yield Finding(
            "destination-not-empty",
            f"the destination table {destination.name} holds items, and a new migration fills an empty table",
            "Empty it or name another; items that are not in the source would stay, and look migrated",
        )
    if setup.destination_holder:
        yield Finding(
            "destination-locked",
            f"the destination table {destination.name} is being filled by the migration {setup.destination_holder}",
            f"Let that one end, or give it up: ddb-migration abort {setup.destination_holder}",
        )


def _both(setup: Setup) -> Iterator[Finding]:
    source, destination = setup.source, setup.destination
    if source is None or destination is None:
        return
    if source.arn == destination.arn:
        yield Finding("same-table", f"source and destination are one table, {source.name}", "Name two tables")
    if source.keys != destination.keys:
        yield Finding(
            "key-schema",
            f"the primary keys differ: source {_shown(source)}, destination {_shown(destination)}",
            "Give the destination the same attribute names, key types and attribute types",
        )
    yield from _indexes(source, destination)


def _indexes(source: Table, destination: Table) -> Iterator[Finding]:
    for name, index in source.indexes.items():
        if destination.indexes.get(name) != index:
            state = "differs" if name in destination.indexes else "is missing"
            yield Finding(
                "index",
                f"the index {name} of the source {state} in the destination {destination.name}",
                "Create it with the same keys and projection",
            )


def _epoch(setup: Setup) -> Iterator[Finding]:
    if setup.running_execution:
        yield Finding(
            "already-running",
            f"the execution {setup.running_execution} is already running this migration",
            "Let it go on, or stop it first: aws stepfunctions stop-execution --execution-arn ...",
        )
    record = setup.record
    if not record.is_open:
        return
    if setup.source is not None and setup.source.stream_arn != record.stream_arn:
        yield Finding(
            "stream-replaced",
            f"the source's stream was {record.stream_arn} when capture began and is now "
            f"{setup.source.stream_arn}; changes between the two are lost to this migration",
            "Give it up (ddb-migration abort), empty the destination and start again",
        )
    yield from _gap(setup)


def _gap(setup: Setup) -> Iterator[Finding]:
    """Capture that stood still for longer than the stream keeps its records has lost some."""
    if setup.captured_until is not None and setup.now - setup.captured_until >= STREAM_SECONDS:
        hours = (setup.now - setup.captured_until) / 3600
        yield Finding(
            "stream-gap",
            f"capture has stood still for {hours:.1f} hours, and the stream keeps its records for 24",
            "Give it up (ddb-migration abort), empty the destination and start again",
        )


def _shown(table: Table) -> str:
    return ", ".join(f"{name} {kind} ({type_})" for name, kind, type_ in table.keys)
