"""The control record: one migration's state, and what it permits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddb_migration.core.cut_over_order import FENCED, UNFENCED
from ddb_migration.core.direction import FORWARD, REVERSE, Direction
from ddb_migration.core.fence import LIFT

OPEN = "open"
ABORTING = "aborting"
CLOSED = "closed"


_NOT_OPEN = {
    CLOSED: "the migration is closed, not open: it has not been started, or has ended; ddb-migration start begins it",
    ABORTING: "the migration is aborting, not open; ddb-migration abort goes on with that",
}


class MigrationStopped(Exception):
    """The control record forbids what was about to be done; the text says why."""


# Stream records bear whole seconds, and clocks differ.
_OWN_SECONDS = 5.0


@dataclass(frozen=True)
class ControlRecord:
    """What the control table knows of the migration; times are in epoch seconds, None where not yet reached.

    An epoch is one migration from SetupCheck to Complete or Abort. `stream_arn`, `captured_from`, `bulk_load`
    and `plan` are written once in an epoch, as are `source_items` and `source_bytes`, DynamoDB's figures when the
    bulk load began. `apply_failing_since` stands while not one message could be applied; `apply_failure` says why.

    `task_token` is that of the state that waits for the operator. `cut_over_form` is "fenced" or "unfenced";
    `prepared_at` is when all that could be done before the fence was done, from when on its time-out counts;
    `cut_over_step` is what a migration of a group waits at and `cut_over_go` what the group may go on to;
    `cut_over_refused` tells why the last cut-over was given up, `cut_over_refused_at` when. `completing` tells what
    becomes of the fence once the operator has asked to complete. `accepted_sample` is the sampled verify pass that
    the order to cut over named, and `accepted_by` who gave that order, at `cut_over_started`.

    `incomplete` says why changes of the epoch may have expired, as was noticed last at `incomplete_at`.

    Where the migration can be rolled back, `reverse_stream_arn` is the stream that the reverse path captures,
    `rollback_until` when the window ends, and `reverse_cut_over_at` when it was rolled back. The reverse path's own
    record has the same fields (`core.reverse_record`), and `direction` tells which of the two it is.

    `verify_pass` is the verify pass under way or ended last, `verified_at` when the last pass began that was whole
    and clean, `verify_repairs` how many rereads Repair has sent.
    """

    epoch: str | None = None
    status: str = CLOSED
    phase: str | None = None
    execution: str | None = None
    stream_arn: str | None = None
    captured_from: float | None = None
    bulk_load: str | None = None
    plan: str | None = None
    export_time: float | None = None
    export_arn: str | None = None
    settled_at: float | None = None
    bulk_loaded_at: float | None = None
    apply_started: float | None = None
    barrier_at: float | None = None
    trigger_enabled_at: float | None = None
    changed_shards: int = 1
    drained_at: float | None = None
    mappings_removed_at: float | None = None
    max_read_units_per_second: float | None = None
    max_write_units_per_second: float | None = None
    paused: bool = False
    paused_since: float | None = None
    paused_by: str | None = None
    apply_failing_since: float | None = None
    apply_failure: str | None = None
    bulk_began_at: float | None = None
    source_items: int | None = None
    source_bytes: int | None = None
    task_token: str | None = None
    ready_at: float | None = None
    cut_over_form: str | None = None
    cut_over_group: str | None = None
    cut_over_timeout: int | None = None
    accepted_sample: str | None = None
    accepted_by: str | None = None
    cut_over_started: float | None = None
    cut_over_step: str | None = None
    cut_over_go: str | None = None
    cut_over_refused: str | None = None
    cut_over_refused_at: float | None = None
    prepared_at: float | None = None
    fenced_at: float | None = None
    apply_stopped_at: float | None = None
    cut_over_at: float | None = None
    completing: str | None = None
    completed_at: float | None = None
    incomplete: str | None = None
    incomplete_at: float | None = None
    verify_pass: str | None = None
    verified_at: float | None = None
    verify_repairs: int = 0
    reverse_stream_arn: str | None = None
    rollback_until: float | None = None
    reverse_cut_over_at: float | None = None
    tombstone: bool = False
    direction: Direction = FORWARD

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> ControlRecord:
        """Build a record from the attributes of its item; attributes of a newer version are left out."""
        known = cls.__dataclass_fields__
        record = cls.__new__(cls)
        # Defaults are attributes of the class: fifty fields need no assignment for each of the many reads.
        vars(record).update({name: value for name, value in values.items() if name in known})
        return record

    @property
    def is_open(self) -> bool:
        """Tell whether an epoch is open and nobody is ending it."""
        return self.status == OPEN and not self.tombstone

    @property
    def is_cut_over(self) -> bool:
        """Tell whether the application has been switched to the destination."""
        return self.cut_over_at is not None

    @property
    def is_fenced_cut_over(self) -> bool:
        """Tell whether the application has been switched behind a fence."""
        return self.is_cut_over and self.cut_over_form == FENCED

    @property
    def is_rolled_back(self) -> bool:
        """Tell whether the application has been switched back to the source."""
        return self.reverse_cut_over_at is not None

    @property
    def is_settled(self) -> bool:
        """Tell whether capture has stood for a while, with the stream that it captures now."""
        return self.settled_at is not None and self.settled_at > (self.captured_from or 0.0)

    @property
    def fence_must_go(self) -> bool:
        """Tell whether a fence that was begun must not stay: its cut-over did not come to its end, or was undone."""
        is_begun = self.cut_over_form == FENCED and self.cut_over_started is not None
        return is_begun and (not self.is_cut_over or self.is_rolled_back)

    @property
    def fence_stays(self) -> bool:
        """Tell whether the fence outlives the migration, as it does unless the operator has it lifted."""
        return self.is_fenced_cut_over and not self.is_rolled_back and self.completing != LIFT

    @property
    def stands_by(self) -> bool:
        """Tell whether changes are let go: those of the destination before the cut-over are the migration's own."""
        return self.direction is REVERSE and self.barrier_at is None

    @property
    def own_until(self) -> float:
        """Return until when (epoch seconds) the changes of this path's table were the migration's own; 0 for never.

        The destination's stream bears the migration's writes, which the reverse path let go. They end when apply does,
        well before the cut-over; the application's begin behind it. Stream records bear whole seconds.
        """
        if self.direction is not REVERSE or self.barrier_at is None:
            return 0.0
        return self.barrier_at - _OWN_SECONDS

    @property
    def own_perhaps_until(self) -> float:
        """Return from when on (epoch seconds) none of these changes can have been the migration's own; 0 for always."""
        return self.own_until + 2 * _OWN_SECONDS if self.own_until else 0.0

    @property
    def applies_late(self) -> bool:
        """Tell whether changes of the source are still applied after an unfenced cut-over."""
        return self.is_cut_over and self.cut_over_form == UNFENCED and self.completing is None

    def require_open(self, epoch: str | None = None) -> None:
        """Raise MigrationStopped unless an epoch is open (and is the one given)."""
        if self.tombstone:
            raise MigrationStopped("the migration is being removed with its stack")
        if self.status != OPEN:
            raise MigrationStopped(_NOT_OPEN.get(self.status, f"the migration is {self.status}, not open"))
        if epoch is not None and epoch != self.epoch:
            raise MigrationStopped(f"epoch {epoch} has ended; the migration is now in epoch {self.epoch}")

    def require_bulk_load(self, epoch: str) -> None:
        """Raise MigrationStopped when a bulk write could land on top of an applied change."""
        self.require_open(epoch)
        if self.apply_started is not None:
            raise MigrationStopped("the barrier has been reached: no bulk write may follow it")

    def require_verify(self, epoch: str) -> None:
        """Raise MigrationStopped when this epoch's tables cannot be compared (any more)."""
        self.require_open(epoch)
        if self.barrier_at is None:
            raise MigrationStopped("the barrier has not been passed: the destination is not filled yet")

    def require_apply(self) -> None:
        """Raise MigrationStopped unless changes may be applied: behind the barrier, and until the cut-over."""
        self.require_open()
        if self.barrier_at is None:
            raise MigrationStopped("the barrier has not been passed: changes wait in the queue")
        if self.is_cut_over and not self.applies_late:
            way = self.direction
            raise MigrationStopped(f"the migration {way.has_acted}: changes of the {way.source} are applied no more")
