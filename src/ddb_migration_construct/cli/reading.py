"""The status of a migration: read from its parts, without changing anything."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ddb_migration_construct._runtime import lag, moments, names, outage
from ddb_migration_construct.cli.change_queue import read_backlog
from ddb_migration_construct.cli.control_table import ControlRecord, Rows, read_both, read_progress
from ddb_migration_construct.cli.executions import RUNNING, SUCCEEDED, Execution, look_into, newest_execution
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.parked_keys import AcceptedKey, ParkedKey, accepted_keys, parked_keys

# The tasks of a bulk load note every five seconds how it went; an older note is of a task that has ended.
_NOTES_HOLD_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class ChangePath:
    """The path of changes from one table to the other, at one moment.

    `counts` repeat what was done twice. `parked` counts the parked keys by reason, `accepted` those that were accepted
    as they are; the keys of both are read on demand.
    `lag_seconds` is None while it is not known.
    """

    record: ControlRecord
    backlog: int = 0
    dead_letters: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    lag_seconds: float | None = None
    parked: Mapping[str, int] = field(default_factory=dict)
    accepted: int = 0
    parked_keys: Sequence[ParkedKey] | None = None
    accepted_keys: Sequence[AcceptedKey] | None = None
    tables: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Status(ChangePath):
    """All that is known of a migration at one moment (`at`, epoch seconds).

    `loaded` is how many items the bulk load has written, by what its tasks tell; `load_rate` (items a second) and
    `throttles` say how it went in the last seconds. `closed` are the gate's reasons against a cut-over, None where it
    has not been asked. `reverse` is the path back to the source, None where the migration cannot be rolled back.
    `tables` are the names of source and destination.
    """

    migration: str
    execution: Execution | None
    at: float
    loaded: int = 0
    load_rate: float | None = None
    throttles: str | None = None
    state: str | None = None
    waiting_for: str | None = None
    closed: Sequence[str] | None = None
    reverse: ChangePath | None = None

    @property
    def ways(self) -> tuple[ChangePath, ...]:
        """The path to the destination and, where there is one, the path back."""
        return (self,) if self.reverse is None else (self, self.reverse)

    @property
    def moving(self) -> ChangePath:
        """The path on which the application's changes go at the moment."""
        return self.ways[-1] if self.record.is_fenced_cut_over else self

    @property
    def is_rolled_back(self) -> bool:
        """Tell whether the application was switched back."""
        return self.reverse is not None and self.reverse.record.cut_over_at is not None

    @property
    def is_running(self) -> bool:
        """Tell whether an execution runs."""
        return self.execution is not None and self.execution.status == RUNNING

    @property
    def needs_you(self) -> bool:
        """Tell whether it has stopped otherwise than well."""
        return self.execution is not None and self.execution.status not in (RUNNING, SUCCEEDED)

    @property
    def phase(self) -> str:
        """Return the state that it is in, or else the last that noted its beginning."""
        return self.state or self.record.phase or "not started"

    @property
    def trouble(self) -> str | None:
        """Return what stands in its way and is not in order, None when nothing is known of."""
        if self.record.paused:
            # Of the caller's ARN the part that names somebody.
            who = (self.record.paused_by or "somebody").rsplit(":", 1)[-1]
            return f"paused by {who} since {moments.utc(self.record.paused_since)}"
        for way, table in zip(self.ways, ("destination", "source"), strict=False):
            if outage.is_outage(way.record.apply_failing_since, self.at):
                since = moments.utc(way.record.apply_failing_since)
                return (
                    f"apply has paused itself: the {table} has taken nothing since {since} ({way.record.apply_failure})"
                )
        return None

    @property
    def next_step(self) -> str:
        """What to do next."""
        start = f"ddb-migration start {self.migration}"
        if self.record.status == "closed" and self.record.completed_at is not None:
            return "none: it is complete; remove the construct and deploy, or cdk destroy its stack"
        if self.execution is None or self.record.status == "closed":
            return f"start it: {start}"
        if self.is_running:
            return self._while_running
        if self.record.status == "aborting":
            return f"finish the abort: ddb-migration abort {self.migration}"
        if self.execution.status == SUCCEEDED:
            return self._before_cut_over
        # From the cut-over on an abort is refused.
        give_up = f" (or give up: ddb-migration abort {self.migration})" if self.record.cut_over_at is None else ""
        return f"put right what the cause says, then continue: {start}{give_up}"

    @property
    def _while_running(self) -> str:
        if self.record.paused:
            return f"let it go on: ddb-migration resume {self.migration}"
        if self.closed:
            return "put right what the gate says; it looks again every few minutes"
        if self.phase in (names.READY_TO_CUT_OVER_STATE, names.ROLLBACK_WINDOW_STATE):
            # What has been parked since the gate was asked closes it.
            return self._settle or self._switch
        if self.phase == names.COMPLETE_STATE:
            left = "destination" if self.is_rolled_back else "source"
            return f"complete it once nothing needs the {left} any more: ddb-migration complete {self.migration}"
        settle = self._settle
        return f"{settle}; all else goes on by itself" if settle else "wait; it goes on by itself"

    @property
    def _switch(self) -> str:
        if self.phase == names.READY_TO_CUT_OVER_STATE:
            return f"cut over when you are ready: ddb-migration cut-over {self.migration}"
        until = moments.utc(self.record.rollback_until)
        return f"until {until} the application can be switched back: ddb-migration roll-back {self.migration}"

    @property
    def _settle(self) -> str | None:
        way = self.moving
        if not (way.parked or way.dead_letters):
            return None
        options = ["--parked"] * bool(way.parked) + ["--dead-letters"] * bool(way.dead_letters)
        mended = f"put right what the reasons say, then: ddb-migration reread {self.migration} {' '.join(options)}"
        accepted = f" (or accept a key as it is: ddb-migration accept {self.migration})" if way.parked else ""
        return mended + accepted

    @property
    def _before_cut_over(self) -> str:
        if self._settle:
            return self._settle
        if self.record.incomplete:
            return "a full verify with repair: changes may have expired before they were taken"
        return "none: the destination is in step, and stays so until the migration is aborted"

    def as_json(self) -> dict[str, Any]:
        """Return the status as plain values."""
        counts = {"counts": dict(self.counts), "parked": dict(self.parked)}
        return {**asdict(self), **counts, "trouble": self.trouble, "next_step": self.next_step}


@dataclass(frozen=True)
class Reader:
    """Reads statuses."""

    states: Any
    dynamodb: Any
    sqs: Any

    def read(self, migration: Migration, keys: bool = False) -> Status:
        """Read what the migration's parts say; `keys` adds the parked keys themselves."""
        record, reverse = read_both(self.dynamodb, migration.control_table)
        execution = newest_execution(self.states, migration)
        look, now = look_into(self.states, execution), time.time()
        path, rows = self._path(migration, record, (migration.change_queue, migration.dead_letter_queue), keys, now)
        back = (migration.reverse_change_queue, migration.reverse_dead_letter_queue)
        return Status(
            **vars(path),
            migration=migration.name,
            execution=execution,
            at=now,
            **_load(record, rows, now),
            state=look.state,
            waiting_for=look.answer.get("waiting_for"),
            closed=look.answer.get("closed"),
            reverse=self._path(migration, reverse, back, keys, now)[0] if all(back) else None,
        )

    def _path(
        self, migration: Migration, record: ControlRecord, queues: tuple[Any, Any], keys: bool, now: float
    ) -> tuple[ChangePath, Rows]:
        table, epoch = migration.control_table, record.epoch
        rows = read_progress(self.dynamodb, table, epoch) if epoch else Rows()
        parked = list(parked_keys(self.dynamodb, table, epoch)) if epoch else []
        accepted = list(accepted_keys(self.dynamodb, table, epoch)) if epoch else []
        backlog, dead_letters = (read_backlog(self.sqs, queue).total for queue in queues)
        path = ChangePath(
            record=record,
            backlog=backlog,
            dead_letters=dead_letters,
            counts=rows.counts,
            lag_seconds=_lag(record, rows, backlog, now),
            parked=dict(Counter(found.reason for found in parked)),
            accepted=len(accepted),
            parked_keys=parked if keys else None,
            accepted_keys=accepted if keys else None,
            tables=migration.tables,
        )
        return path, rows


def _lag(record: ControlRecord, rows: Rows, backlog: int, now: float) -> float | None:
    """Return the lag by the rule of Drain, as far as the rows tell; what the mappings report it knows better."""
    applies = record.trigger_enabled_at is not None and not record.paused
    readings = lag.Readings(backlog, rows.captures, rows.applies, capture_works=True, apply_works=applies)
    return lag.lag_seconds(readings, now)


def _load(record: ControlRecord, rows: Rows, now: float) -> dict[str, Any]:
    """Return how the bulk load goes: checkpoints are exact and tell of whole pages, notes are not and tell at once."""
    checkpointed = rows.counts.get("items_written", 0)
    if record.bulk_loaded_at is not None:
        return {"loaded": checkpointed}
    fresh = [task for task in rows.tasks if now - task.at <= _NOTES_HOLD_SECONDS]
    return {
        "loaded": max(checkpointed, int(sum(task.written for task in rows.tasks))),
        "load_rate": sum(task.per_second for task in fresh) if fresh else None,
        "throttles": "; ".join(sorted({task.throttles for task in fresh if task.throttles})) or None,
    }
