"""`ddb-migration status`: how far a migration is, and what to do next."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import typer

from ddb_migration_construct.cli.change_queue import read_backlog
from ddb_migration_construct.cli.clients import client
from ddb_migration_construct.cli.control_table import ControlRecord, read_counts, read_record
from ddb_migration_construct.cli.executions import RUNNING, SUCCEEDED, Execution, newest_execution
from ddb_migration_construct.cli.frame import AllOf, AsJson, Names, Told, chosen, run
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.parked_keys import ParkedKey, accepted_keys, parked_keys


@dataclass(frozen=True)
class Status:
    """All that `status` shows; `parked` counts the parked keys by reason, `parked_keys` are shown on demand."""

    migration: str
    record: ControlRecord
    execution: Execution | None
    backlog: int
    dead_letters: int
    counts: Mapping[str, int] = field(default_factory=dict)
    parked: Mapping[str, int] = field(default_factory=dict)
    accepted: int = 0
    parked_keys: Sequence[ParkedKey] | None = None

    @property
    def next_step(self) -> str:
        """What to do next."""
        start = f"ddb-migration start {self.migration}"
        if self.execution is None or self.record.status == "closed":
            return f"start it: {start}"
        if self.execution.status == RUNNING:
            return "wait; it goes on by itself"
        if self.record.status == "aborting":
            return f"finish the abort: ddb-migration abort {self.migration}"
        if self.execution.status == SUCCEEDED:
            return self._before_cut_over
        return (
            f"put right what the cause says, then continue: {start} (or give up: ddb-migration abort {self.migration})"
        )

    @property
    def _before_cut_over(self) -> str:
        if self.parked or self.dead_letters:
            options = ["--parked"] * bool(self.parked) + ["--dead-letters"] * bool(self.dead_letters)
            return f"put right what the reasons say, then: ddb-migration reread {self.migration} {' '.join(options)}"
        if self.record.incomplete:
            return "a full verify with repair: changes may have expired before they were taken"
        return "none: the destination is in step, and stays so until the migration is aborted"

    def as_json(self) -> dict[str, Any]:
        """Return the status as plain values."""
        counts = {"counts": dict(self.counts), "parked": dict(self.parked)}
        return {**asdict(self), **counts, "next_step": self.next_step}


def status(
    names: Names = None,
    stack: AllOf = None,
    keys: Annotated[bool, typer.Option("--parked-keys", help="Show the parked keys too, one a line.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a migration's phase, counts and backlog, what is parked and why, and the next step."""
    states, dynamodb, sqs = client("stepfunctions"), client("dynamodb"), client("sqs")

    def act(migration: Migration) -> Told:
        found = read_status(states, dynamodb, sqs, migration, keys)
        return Told("\n".join(status_lines(found)), found.as_json())

    run(chosen(names, stack), act, as_json)


def read_status(states: Any, dynamodb: Any, sqs: Any, migration: Migration, keys: bool = False) -> Status:
    """Read what the migration's parts say, without changing anything; `keys` adds the parked keys themselves."""
    table = migration.control_table
    record = read_record(dynamodb, table)
    parked = list(parked_keys(dynamodb, table, record.epoch)) if record.epoch else []
    return Status(
        migration=migration.name,
        record=record,
        execution=newest_execution(states, migration),
        backlog=read_backlog(sqs, migration.change_queue).total,
        dead_letters=read_backlog(sqs, migration.dead_letter_queue).total,
        counts=read_counts(dynamodb, table, record.epoch) if record.epoch else {},
        parked=dict(Counter(found.reason for found in parked)),
        accepted=sum(1 for _ in accepted_keys(dynamodb, table, record.epoch)) if record.epoch else 0,
        parked_keys=parked if keys else None,
    )


def status_lines(found: Status) -> Iterator[str]:
    """Yield the status in words."""
    yield f"migration  {found.migration}"
    yield f"phase      {found.record.phase or 'not started'}" + (
        f", epoch {found.record.epoch} {found.record.status}" if found.record.epoch else ""
    )
    if found.execution is not None:
        yield f"execution  {found.execution.status}  {found.execution.arn}"
    yield from (f"counts     {name.replace('_', ' ')}: {count}" for name, count in found.counts.items())
    yield f"backlog    {found.backlog} messages in the change queue, {found.dead_letters} in its dead-letter queue"
    yield from _parked_lines(found)
    if found.record.incomplete:
        yield f"incomplete {found.record.incomplete}"
    if found.execution is not None and found.execution.error:
        yield f"error      {found.execution.error}"
        yield from (f"  {line}" for line in (found.execution.cause or "").splitlines())
    yield f"next       {found.next_step}"


def _parked_lines(found: Status) -> Iterator[str]:
    yield f"parked     {sum(found.parked.values())} keys, and {found.accepted} accepted as they are"
    yield from (f"  {count} for: {reason}" for reason, count in found.parked.items())
    yield from (f"  {json.dumps(parked.key)}" for parked in found.parked_keys or ())
