"""What a rehearsal found: its verdict, and all figures behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ddb_migration_construct.rehearsal.comparison import Comparison

EQUAL = "equal"
DIFFERENT = "different"
FAILED = "failed"


@dataclass(frozen=True)
class Failure:
    """Why a rehearsal came to no comparison: the error's name, its cause, and missing permissions."""

    error: str
    cause: str
    denials: tuple[str, ...] = ()


@dataclass
class Findings:
    """The figures of a rehearsal, filled in as it goes, so that a failed one shows how far it came.

    `counts` are the migration's own sums; `faults` were planted; `phases` are seconds by name.
    """

    mode: str
    seed: int
    writes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    phases: Mapping[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    comparison: Comparison | None = None
    failure: Failure | None = None

    @property
    def verdict(self) -> str:
        """Return "failed" without a comparison, else whether the tables are "equal" or "different"."""
        if self.failure is not None or self.comparison is None:
            return FAILED
        return EQUAL if self.comparison.equal else DIFFERENT

    @property
    def exit_code(self) -> int:
        """Return 0 for equal tables and 1 for everything else."""
        return 0 if self.verdict == EQUAL else 1

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values; what is not known because the rehearsal failed is null."""
        return {
            "verdict": self.verdict,
            "mode": self.mode,
            **self._compared(),
            "writes": self.writes,
            **{name: self.counts.get(name, 0) for name in ("captured", "applied", "stale_skipped", "parked")},
            "faults": list(self.faults),
            "phases": dict(self.phases),
            "seed": self.seed,
            "notes": list(self.notes),
            "failure": asdict(self.failure) if self.failure is not None else None,
        }

    def _compared(self) -> dict[str, Any]:
        names = ("source_items", "destination_items", "missing", "extra", "different", "differences")
        return {**dict.fromkeys(names), **(asdict(self.comparison) if self.comparison is not None else {})}
