"""The set-up of a migration as SetupCheck saw it: the facts, and no judgement."""

from __future__ import annotations

from dataclasses import dataclass, field

from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.fence import Statement
from ddb_migration.core.place import Place
from ddb_migration.core.resource_policy import Callers
from ddb_migration.core.table import Table


@dataclass(frozen=True)
class Setup:
    """Everything that the checks look at.

    `migration` is its name. `source` and `destination` are None where the table does not exist or cannot be asked
    for: the source outside `home`, the migration's own Region and account; the destination in another Region without
    `destination_role`, or where `destination_denied` holds what AWS said of the looks at it. Readers are the ARNs of
    other functions that read a table's stream, as far as the mappings of this account show. A time to live is the
    name of its attribute, None where it is off. `denied` holds what AWS said of each look that SetupCheck's own role
    may not take; such a look counts as if nothing were wrong. `fence` is the statement that a cut-over would add to
    the source's policy, None where none is asked for, and `destination_fence` what a roll back would add to the
    destination's. `destination_policy` is that of a destination of another account, or of one that may be fenced, None
    where it may not be read; `callers` are who calls the destination, and `destination_key` is the ARN
    of the KMS key that it was given with. Rates are in units a second; `write_units` is None where nothing limits
    writing.
    """

    migration: str
    source_arn: str
    destination_arn: str
    home: Place
    source: Table | None
    destination: Table | None
    source_recovery: bool
    destination_empty: bool
    is_large: bool
    record: ControlRecord
    captured_until: float | None
    running_execution: str | None
    destination_holder: str | None
    retention_seconds: float
    read_units: float
    now: float
    write_units: float | None = None
    source_readers: tuple[str, ...] = ()
    destination_readers: tuple[str, ...] = ()
    source_time_to_live: str | None = None
    destination_time_to_live: str | None = None
    denied: tuple[str, ...] = ()
    fence: Statement | None = None
    source_policy: str | None = None
    destination_fence: Statement | None = None
    destination_role: str | None = None
    destination_denied: tuple[str, ...] = ()
    destination_policy: str | None = None
    destination_key: str | None = None
    callers: Callers = field(default_factory=dict)

    @property
    def is_account_another(self) -> bool:
        """Tell whether the destination belongs to another account than the migration."""
        return Place.of(self.destination_arn).account != self.home.account

    @property
    def is_region_another(self) -> bool:
        """Tell whether the destination is in another Region than the migration."""
        return Place.of(self.destination_arn).region != self.home.region
