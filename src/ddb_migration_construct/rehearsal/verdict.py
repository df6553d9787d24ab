"""What a rehearsal found: its verdict, and all figures behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    `counts` are the migration's own sums; `planted` is the name of a planted fault; `faults` are how many were
    injected, by kind; `phases` are seconds by name.
    """

    mode: str
    seed: int
    writes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    planted: str | None = None
    faults: Mapping[str, int] = field(default_factory=dict)
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
            "faults": {**({self.planted: 1} if self.planted else {}), **self.faults},
            "phases": dict(self.phases),
            "seed": self.seed,
            "notes": list(self.notes),
            "failure": asdict(self.failure) if self.failure is not None else None,
        }

    def _compared(self) -> dict[str, Any]:
        names = ("source_items", "destination_items", "missing", "extra", "different", "differences")
        return {**dict.fromkeys(names), **(asdict(self.comparison) if self.comparison is not None else {})}


def overall(rehearsals: Sequence[Findings]) -> str:
    """Return the worst verdict of several rehearsals; of none it is "failed"."""
    verdicts = {findings.verdict for findings in rehearsals} or {FAILED}
    return next(verdict for verdict in (FAILED, DIFFERENT, EQUAL) if verdict in verdicts)


def as_json(rehearsals: Sequence[Findings]) -> dict[str, Any]:
    """Return one rehearsal's report as it is, and several with the worst verdict of them."""
    if len(rehearsals) == 1:
        return rehearsals[0].as_json()
    return {
        "verdict": overall(rehearsals),
        "mode": "both",
        "rehearsals": [findings.as_json() for findings in rehearsals],
    }
