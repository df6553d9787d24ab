"""What a plan looks at, by the caller's own rights: what is denied is named, and counts as if nothing were wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from ddb_migration.aws.destination_lock import DestinationLock, Holder
from ddb_migration.aws.errors import code
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.probe import DENIED
from ddb_migration.aws.tables import Tables
from ddb_migration.core.bulk_plan import gentle_read_units
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.fence import Statement, fence_sid, fence_statement
from ddb_migration.core.place import Place
from ddb_migration.core.setup import Setup
from ddb_migration.core.table import Table

Answer = TypeVar("Answer")
# A plan holds no lock, so whoever holds one is another.
_NOBODY = Holder("", "", "", "")


@dataclass(frozen=True)
class Wishes:
    """The props of the construct that a plan depends on; None stands for the default that SetupCheck chooses."""

    size_threshold_bytes: int = 80 * 2**30
    change_retention_seconds: float = 14 * 86_400
    max_read_units_per_second: float | None = None
    max_write_units_per_second: float | None = None
    worker_type: str = "G.1X"
    max_workers: int = 4
    max_apply_concurrency: int = 100
    fence_source_writes: bool = False
    rollback_window_seconds: float | None = None
    accepted_findings: Sequence[str] = ()

    @property
    def is_fenced(self) -> bool:
        """Tell whether the cut-over fences the source, which a rollback window asks for."""
        return self.fence_source_writes or self.rollback_window_seconds is not None


@dataclass
class Look:
    """Looks at two tables; `client` gives a client by boto3's name of the service, `unseen` what was denied."""

    client: Callable[[str], Any]
    clock: Callable[[], float] = time.time
    unseen: list[str] = field(default_factory=list)

    def at(self, name: str, source: str, destination: str, wishes: Wishes) -> Setup:
        """Return the set-up of a migration of this name that has not begun."""
        dynamodb = self.client("dynamodb")
        tables, home = Tables(dynamodb), self._home(dynamodb, source)
        arns = [_arn(home, table) for table in (source, destination)]
        can_roll_back = wishes.rollback_window_seconds is not None
        old, new = (tables.describe(arn) if Place.of(arn) == home else None for arn in arns)
        return Setup(
            migration=name,
            source_arn=arns[0],
            destination_arn=arns[1],
            home=home,
            source=old,
            destination=new,
            source_recovery=old is None or self._ask(lambda: tables.has_recovery(old.arn), True),
            destination_empty=new is None or not new.is_usable or self._ask(lambda: tables.is_empty(new.arn), True),
            is_large=old is not None and old.size_bytes >= wishes.size_threshold_bytes,
            record=ControlRecord(),
            captured_until=None,
            running_execution=None,
            destination_holder=self._holder(arns[1]),
            retention_seconds=wishes.change_retention_seconds,
            read_units=wishes.max_read_units_per_second or gentle_read_units(old),
            write_units=wishes.max_write_units_per_second,
            now=self.clock(),
            source_readers=self._readers(old),
            destination_readers=self._readers(new),
            source_time_to_live=self._time_to_live(tables, old),
            destination_time_to_live=self._time_to_live(tables, new),
            fence=_fence(home, arns[0]) if wishes.is_fenced else None,
            source_policy=self._policy(tables, old) if wishes.is_fenced else None,
            destination_fence=_fence(home, arns[1]) if can_roll_back else None,
            destination_policy=self._policy(tables, new) if can_roll_back else None,
        )

    def _home(self, dynamodb: Any, source: str) -> Place:
        """Return where the migration would run: in the source's Region and account, the caller's for a bare name."""
        if source.startswith("arn:"):
            return Place.of(source)
        caller = Place.of(str(self.client("sts").get_caller_identity()["Arn"]))
        return Place(caller.partition, str(dynamodb.meta.region_name), caller.account)

    def _holder(self, destination: str) -> str | None:
        holder = self._ask(DestinationLock(self.client("ssm"), destination, _NOBODY).other, None)
        return holder.name if holder else None

    def _readers(self, table: Table | None) -> tuple[str, ...]:
        if table is None or table.stream_arn is None:
            return ()
        arn = table.stream_arn
        nobody: list[dict[str, Any]] = []
        found = self._ask(lambda: Mappings(self.client("lambda")).of_source(arn), nobody)
        return tuple(sorted({str(mapping["FunctionArn"]) for mapping in found}))

    def _time_to_live(self, tables: Tables, table: Table | None) -> str | None:
        return self._ask(lambda: tables.time_to_live(table.arn), None) if table and table.is_usable else None

    def _policy(self, tables: Tables, table: Table | None) -> str | None:
        return self._ask(lambda: tables.policy(table.arn), None) if table else None

    def _ask(self, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        try:
            return question()
        except ClientError as error:
            if code(error) not in DENIED:
                raise
            self.unseen.append(str(error))
            return otherwise


def _fence(home: Place, table: str) -> Statement:
    """Return a fence as long as it may become: the role that it lets through has no name before the deployment."""
    return fence_statement(fence_sid("planned"), table, [f"arn:{home.partition}:iam::{home.account}:role/{'x' * 64}"])


def _arn(home: Place, table: str) -> str:
    if table.startswith("arn:"):
        return table
    return f"arn:{home.partition}:dynamodb:{home.region}:{home.account}:table/{table}"
