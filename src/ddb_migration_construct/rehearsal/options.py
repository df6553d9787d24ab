"""What may be chosen about a rehearsal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ddb_migration_construct.rehearsal.given_items import GivenItem
from ddb_migration_construct.rehearsal.key_shape import KeyShape

DIRECT = "direct"
LARGE = "large"
BOTH = "both"


@dataclass(frozen=True)
class RehearsalOptions:
    """The choices of one rehearsal.

    `items` are in the source at the start; `given_items`, where there are any, stand in their place.
    `writes_per_second` go on until the migration has drained; `mode` is the bulk load, direct or large, or both;
    `faults` is none, light or heavy; `plant` is the name of a planted fault, or None.
    """

    items: int
    writes_per_second: float
    mode: str
    key_shape: KeyShape
    seed: int
    json_file: Path | None = None
    keep_work_dir: bool = False
    plant: str | None = None
    faults: str = "none"
    given_items: tuple[GivenItem, ...] | None = None

    @property
    def population(self) -> int:
        """The number of items in the source at the start."""
        return self.items if self.given_items is None else len(self.given_items)

    @property
    def modes(self) -> tuple[str, ...]:
        """The bulk loads to rehearse, one after the other."""
        return (DIRECT, LARGE) if self.mode == BOTH else (self.mode,)
