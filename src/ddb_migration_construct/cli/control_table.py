"""Reading a migration's control table: the record of its epoch, its counts, and what its readers report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ddb_migration_construct._runtime import lag

# The forms of a cut-over.
FENCED, UNFENCED = "fenced", "unfenced"
# The reverse path has attributes of its own in the row of the control record, and an epoch of its own; it shares these.
REVERSE_PREFIX, REVERSE_EPOCH_SUFFIX = "reverse_", "-reverse"
_SHARED = ("epoch", "status", "phase", "execution", "completing", "completed_at")

# What the rows of an epoch may count: capture and apply in progress rows, the bulk load in its checkpoints.
COUNTS = (
    "captured",
    "sent",
    "rereads",
    "items_read",
    "items_written",
    "items_rejected",
    "applied",
    "stale_skipped",
    "discarded",
    "parked",
    "late_changes",
)


@dataclass(frozen=True)
class ControlRecord:
    """The control record; every field is None (not paused: False) before it is written. Times are epoch seconds."""

    epoch: str | None = None
    status: str | None = None
    phase: str | None = None
    execution: str | None = None
    stream_arn: str | None = None
    bulk_load: str | None = None
    bulk_began_at: float | None = None
    bulk_loaded_at: float | None = None
    source_items: float | None = None
    trigger_enabled_at: float | None = None
    drained_at: float | None = None
    max_read_units_per_second: float | None = None
    max_write_units_per_second: float | None = None
    paused: bool = False
    paused_since: float | None = None
    paused_by: str | None = None
    apply_failing_since: float | None = None
    apply_failure: str | None = None
    incomplete: str | None = None
    verified_at: float | None = None
    cut_over_form: str | None = None
    cut_over_started: float | None = None
    cut_over_step: str | None = None
    cut_over_group: str | None = None
    cut_over_go: str | None = None
    cut_over_refused: str | None = None
    cut_over_refused_at: float | None = None
    prepared_at: float | None = None
    fenced_at: float | None = None
    cut_over_at: float | None = None
    rollback_until: float | None = None
    completing: str | None = None
    completed_at: float | None = None

    @property
    def is_fenced_cut_over(self) -> bool:
        """Tell whether it has cut over behind a fence: then what is applied are the changes of the way back, if any."""
        return self.cut_over_at is not None and self.cut_over_form == FENCED


@dataclass(frozen=True)
class TaskNote:
    """What a task of the bulk load noted last, and when: items written in its run, their rate, why it was throttled."""

    at: float
    written: int
    per_second: float
    throttles: str


@dataclass(frozen=True)
class Rows:
    """What the rows of an epoch say: sums, the last reports of capture and apply, and the notes of the bulk load."""

    counts: Mapping[str, int] = field(default_factory=dict)
    captures: tuple[lag.Report, ...] = ()
    applies: tuple[lag.Report, ...] = ()
    tasks: Sequence[TaskNote] = ()


def read_record(dynamodb: Any, table: str, prefix: str = "") -> ControlRecord:
    """Read the control record consistently; with REVERSE_PREFIX, as the reverse path has it."""
    return _record(_read(dynamodb, table), prefix)


def read_both(dynamodb: Any, table: str) -> tuple[ControlRecord, ControlRecord]:
    """Read the control record, consistently, and the reverse path's, as of one moment."""
    item = _read(dynamodb, table)
    return _record(item, ""), _record(item, REVERSE_PREFIX)


def _record(item: Mapping[str, Mapping[str, Any]], prefix: str) -> ControlRecord:
    own = {name: _plain(item[prefix + name]) for name in ControlRecord.__dataclass_fields__ if prefix + name in item}
    if not prefix:
        return ControlRecord(**own)
    shared = {name: _plain(item[name]) for name in _SHARED if name in item}
    epoch = shared.pop("epoch", None)
    return ControlRecord(**{**own, **shared}, epoch=epoch and epoch + REVERSE_EPOCH_SUFFIX)


def read_values(dynamodb: Any, table: str) -> dict[str, Any]:
    """Read the whole control record, consistently, as plain values; empty before the first epoch."""
    return {name: _plain(value) for name, value in _read(dynamodb, table).items()}


def read_rows(dynamodb: Any, table: str, partition: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of one partition as plain values, in the order of their sort key."""
    for row in _rows(dynamodb, table, partition):
        yield {name: _plain(value) for name, value in row.items()}


def read_token(dynamodb: Any, table: str, prefix: str = "") -> str | None:
    """Return the task token of a migration that waits for the operator, None of one that does not.

    With REVERSE_PREFIX it is that of one that waits to be rolled back.

    Who has it can let the migration go on, so it is no part of what is shown of the record.
    """
    item = _read(dynamodb, table)
    token = item.get(f"{prefix}task_token")
    return None if token is None else _plain(token)


def _read(dynamodb: Any, table: str) -> Mapping[str, Mapping[str, Any]]:
    item: Mapping[str, Mapping[str, Any]] = dynamodb.get_item(
        TableName=table, Key={"pk": {"S": "migration"}, "sk": {"S": "record"}}, ConsistentRead=True
    ).get("Item", {})
    return item


def read_counts(dynamodb: Any, table: str, epoch: str) -> dict[str, int]:
    """Return the sums of what an epoch has counted, zero for what it has not; what is repeated counts again."""
    return dict(read_progress(dynamodb, table, epoch).counts)


def read_progress(dynamodb: Any, table: str, epoch: str) -> Rows:
    """Read all rows of an epoch that tell of its progress."""
    progress = list(_rows(dynamodb, table, f"progress#{epoch}"))
    sums: Counter[str] = Counter()
    for row in (*progress, *_rows(dynamodb, table, f"checkpoint#{epoch}")):
        sums.update({name: int(row[name]["N"]) for name in COUNTS if "N" in row.get(name, {})})
    return Rows(
        counts={name: sums[name] for name in COUNTS},
        captures=_reports(progress, "capture"),
        applies=_reports(progress, "apply"),
        tasks=[TaskNote(**_noted(row)) for row in _rows(dynamodb, table, f"task#{epoch}")],
    )


def _noted(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(row[name]) for name in TaskNote.__dataclass_fields__}


def _reports(rows: Sequence[Mapping[str, Any]], stage: str) -> tuple[lag.Report, ...]:
    of_stage = [row for row in rows if row.get("sk", {}).get("S", "").startswith(f"{stage}#") and "at" in row]
    return tuple(lag.Report(float(row["age"]["N"]), float(row["at"]["N"])) for row in of_stage)


def _rows(dynamodb: Any, table: str, partition: str) -> Iterator[Mapping[str, Any]]:
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="pk = :partition",
        ExpressionAttributeValues={":partition": {"S": partition}},
        ConsistentRead=True,
    )
    for page in pages:
        yield from page["Items"]


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    return float(content) if kind == "N" else content
