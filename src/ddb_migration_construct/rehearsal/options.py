"""What may be chosen about a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ddb_migration_construct.rehearsal.given_items import GivenItem
from ddb_migration_construct.rehearsal.key_shape import KeyShape

DIRECT = "direct"
LARGE = "large"
BOTH = "both"
AS_THE_APP_SAYS = "as the app says"

# How far a rehearsal goes.
READY = "ready"
CUT_OVER = "cut-over"
ROLL_BACK = "roll-back"
COMPLETE = "complete"
ABORT = "abort"

# So many writes go to a table before the rehearsal believes that the application lives there; so many it makes at most.
LEAST_WRITES, _MOST_WRITES = 20, 2000


@dataclass(frozen=True)
class RehearsalOptions:
    """The choices of one rehearsal.

    `app` is the command that synthesises a team's app, and `migration` the name of the one to rehearse (default
    all); `items_file` is read once the key of its tables is known. None of the three: the rehearsal's own app.

    `items` are in the source at the start; `given_items`, where there are any, stand in their place.
    `writes_per_second` go on until the migration has drained; `mode` is the bulk load, direct or large, or both, or
    what a team's app says; `indexed` are types by name of the keys of the tables' secondary indexes; `faults` is
    none, light or heavy; `plant` is the name of a planted fault, or None; `plant_differences` is how many differences
    are put into the destination before Verify; `to` is how far it goes; `report_folder` is where a page of each
    rehearsal is written, None for none.
    """

    items: int
    writes_per_second: float
    mode: str
    key_shape: KeyShape
    seed: int
    json_file: Path | None = None
    report_folder: Path | None = None
    keep_work_dir: bool = False
    plant: str | None = None
    faults: str = "none"
    given_items: tuple[GivenItem, ...] | None = None
    app: str | None = None
    migration: str | None = None
    items_file: Path | None = None
    indexed: Mapping[str, str] = field(default_factory=dict)
    plant_differences: int = 0
    to: str = READY

    @property
    def cuts_over(self) -> bool:
        """Tell whether the rehearsal cuts over."""
        return self.to in (CUT_OVER, ROLL_BACK, COMPLETE)

    @property
    def rolls_back(self) -> bool:
        """Tell whether the rehearsal rolls back what it has cut over."""
        return self.to == ROLL_BACK

    @property
    def writes_after_cut_over(self) -> int:
        """The number of writes to the destination after the cut-over: one for each item where they are rolled back."""
        return min(max(self.population, LEAST_WRITES), _MOST_WRITES) if self.rolls_back else LEAST_WRITES

    @property
    def population(self) -> int:
        """The number of items in the source at the start."""
        return self.items if self.given_items is None else len(self.given_items)

    @property
    def modes(self) -> tuple[str, ...]:
        """The bulk loads to rehearse, one after the other."""
        return (DIRECT, LARGE) if self.mode == BOTH else (self.mode,)
