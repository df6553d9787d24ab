"""What the states work with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ddb_migration import names
from ddb_migration.aws.announcements import Announcements
from ddb_migration.aws.canary import Canary
from ddb_migration.aws.change_path import ChangePath
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.destination_lock import DestinationLock
from ddb_migration.aws.late_changes import LateChangeRows
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.metrics import SILENT, Metrics
from ddb_migration.aws.removal import Removal
from ddb_migration.aws.stream_tail import StreamTail
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.aws.tables import Tables
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from ddb_migration.core.direction import FORWARD, Direction
from ddb_migration.core.fence import Statement
from ddb_migration.core.gate import GateFacts


class Gate(Protocol):
    """What says whether the application may be switched."""

    def closed_because(self, record: ControlRecord) -> tuple[str, ...]:
        """Return why cut-over is not allowed, and keep it for the report; nothing where it is."""

    def facts(self, record: ControlRecord) -> GateFacts:
        """Return what it looks at, as it is now."""


class KeyRound(Protocol):
    """How far a round of comparing changed keys has come."""

    @property
    def began(self) -> float:
        """When it began, in epoch seconds."""

    @property
    def keys(self) -> int:
        """How many keys it has compared."""

    @property
    def suspects(self) -> Sequence[Any]:
        """The keys that differ."""

    @property
    def is_done(self) -> bool:
        """Whether all its keys have been compared."""

    @property
    def is_quick(self) -> bool:
        """Whether it was short enough for the next one to follow behind the fence."""

    @property
    def is_settled(self) -> bool:
        """Whether all its keys, and those in suspicion from earlier, are equal."""


class Keys(Protocol):
    """The comparison of the keys that changed."""

    def check(self, until: float) -> KeyRound:
        """Go on with the round under way, or begin the next; `until` is when this call must end."""

    def check_keys(self, keys: Iterable[Item], until: float) -> int:
        """Compare keys that are known otherwise; return how many of them it came to."""

    def index_holds(self, newest: Sequence[Item]) -> bool:
        """Tell whether a round that begins now finds these keys."""


@dataclass(frozen=True)
class Parts:
    """One path of the migration, and what switches the application that way; `clock` gives epoch seconds.

    Seen from a path, its changes come from the source and go to the destination. `reverse` is the path that carries
    the destination's changes back, None where the migration cannot be rolled back.

    `fences` tells whether the migration may fence the path's source: only then may its role change that one's policy.
    """

    source_arn: str
    stream_processor: str
    write_cdc: str
    change_queue_arn: str
    change_retention_seconds: float
    fences: bool
    fence: Statement
    control: ControlTable
    tables: Tables
    mappings: Mappings
    queue: ChangeQueue
    policy: TablePolicy
    canary: Canary
    announcements: Announcements
    lock: DestinationLock
    gate: Gate
    tail_of: Callable[[ControlRecord], StreamTail]
    changed_keys_of: Callable[[ControlRecord], Keys]
    way: Direction = FORWARD
    metrics: Metrics = SILENT
    rollback_window_seconds: float | None = None
    reverse: Parts | None = None
    clock: Callable[[], float] = time.time

    def late_changes(self, record: ControlRecord) -> LateChangeRows:
        """Return what the source was told after the cut-over."""
        return LateChangeRows(self.control.rows, str(record.epoch))

    @property
    def change_path(self) -> ChangePath:
        """Return capture and apply, to be looked at."""
        return ChangePath(
            self.control,
            self.mappings,
            self.queue,
            self.stream_processor,
            self.write_cdc,
            self.change_queue_arn,
            self.change_retention_seconds,
            self.clock,
        )

    def gaps_noted(self, record: ControlRecord) -> ControlRecord:
        """Return the record with the note of a gap, if capture or apply have stood still for too long."""
        self.change_path.look(record)
        return self.control.read()

    def tell_parked(self) -> None:
        """Tell CloudWatch how many keys of the path are parked: an alarm that nothing is told keeps its state."""
        self.metrics.put({names.METRIC_PARKED: self.control.parked(str(self.control.read().epoch))})

    @property
    def paths(self) -> tuple[Parts, ...]:
        """Return this path, and the reverse path if there is one."""
        return (self,) if self.reverse is None else (self, self.reverse)

    @property
    def functions(self) -> tuple[str, ...]:
        """Return the functions of the path, and of the reverse path."""
        back = self.reverse.functions if self.reverse is not None else ()
        return (self.stream_processor, self.write_cdc, *back)

    @property
    def removal(self) -> Removal:
        """Return what takes away the mappings that were made at run time."""
        return Removal(self.control, self.mappings, self.functions, self.clock)

    @property
    def way_back(self) -> Parts:
        """Return the reverse path; raises MigrationStopped where the migration was deployed without one."""
        if self.reverse is None:
            raise MigrationStopped("the migration is deployed without rollback_window, so it cannot be rolled back")
        return self.reverse

    def rollback_until(self, record: ControlRecord) -> float | None:
        """Return up to when the migration can be rolled back, in epoch seconds; None where it cannot be."""
        window = self.rollback_window_seconds
        if window is None or self.reverse is None or not record.is_fenced_cut_over or record.reverse_stream_arn is None:
            return None
        return float(record.cut_over_at or 0) + window

    def last_switched(self, record: ControlRecord) -> Parts:
        """Return the path that the application was switched along last: its source is the table no more."""
        return self.way_back if record.is_rolled_back else self
