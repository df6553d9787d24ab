"""Tables and set-ups for the checks: sound ones, from which a test takes one thing away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.place import Place
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table

NOW = 1_790_000_000.0
HOME = Place("aws", "us-east-1", "000000000000")


def table(name: str, **changed: Any) -> Table:
    """An active table with two key attributes, one index and a stream of new images."""
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"
    sound = Table(
        arn=arn,
        status="ACTIVE",
        keys=(("pk", "HASH", "S"), ("sk", "RANGE", "N")),
        indexes={"by-city": ((("city", "HASH", "S"),), "ALL", ())},
        stream_arn=f"{arn}/stream/1",
        stream_view="NEW_IMAGE",
        size_bytes=1000,
        item_count=10,
        provisioned_reads=0,
        replicas=0,
    )
    return replace(sound, **changed)


def setup(**changed: Any) -> Setup:
    """A set-up without any finding, but for what is changed."""
    source, destination = table("source"), table("destination", stream_arn=None, stream_view=None)
    sound = Setup(
        migration="Stack/Orders",
        source_arn=source.arn,
        destination_arn=destination.arn,
        home=HOME,
        source=source,
        destination=destination,
        source_recovery=False,
        destination_empty=True,
        is_large=False,
        record=ControlRecord(),
        captured_until=None,
        running_execution=None,
        destination_holder=None,
        retention_seconds=14 * 86400,
        read_units=3000,
        now=NOW,
    )
    return replace(sound, **changed)


def open_record(**changed: Any) -> ControlRecord:
    """The record of an open epoch on the source's stream."""
    return replace(ControlRecord(epoch="e1", status="open", stream_arn=table("source").stream_arn), **changed)
