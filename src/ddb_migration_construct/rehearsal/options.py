"""What may be chosen about a rehearsal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ddb_migration_construct.rehearsal.key_shape import KeyShape


@dataclass(frozen=True)
class RehearsalOptions:
    """The choices of one rehearsal.

    `items` are in the source at the start; `writes_per_second` go on until the migration has drained; `plant`
    is the name of a planted fault, or None.
    """

    items: int
    writes_per_second: float
    mode: str
    key_shape: KeyShape
    seed: int
    json_file: Path | None = None
    keep_work_dir: bool = False
    plant: str | None = None
