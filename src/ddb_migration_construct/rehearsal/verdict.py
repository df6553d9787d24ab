"""What a rehearsal found: its verdict, and all figures behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from typing import Any

from ddb_migration_construct.rehearsal.comparison import Comparison
from ddb_migration_construct.rehearsal.options import ROLL_BACK

EQUAL = "equal"
DIFFERENT = "different"
FAILED = "failed"

# What the JSON tells of Verify.
VERIFIED = (
    "differences_planted",
    "differences_found",
    "differences_repaired",
    "false_differences",
    "verified_again",
)


@dataclass(frozen=True)
class Failure:
    """Why a rehearsal came to no comparison: the error's name, its cause, and missing permissions."""

    error: str
    cause: str
    denials: tuple[str, ...] = ()


@dataclass(frozen=True)
class Differences:
    """What Verify found: how many were planted, found and repaired, and the verdict of the verify after that."""

    planted: int
    found: int
    repaired: int
    again: str | None = None

    @property
    def invented(self) -> int:
        """How many more were found than had been planted; the writers make none."""
        return max(0, self.found - self.planted)

    @property
    def is_right(self) -> bool:
        """Tell whether all that was planted was found and repaired, and nothing else was."""
        return self.planted == self.found == self.repaired and self.again in (None, EQUAL)


@dataclass(frozen=True)
class SwitchFigures:
    """How a cut-over or a roll back went: `form` is fenced or unfenced.

    `writes` is how many writes the table that was left had taken. `lost` is how many keys differed between the tables
    at the moment of the switch, or did not hold what their last write was answered. From the fence on until the
    application was told of the switch there were `fence_seconds`, in which `refused` writes were denied.
    """

    form: str
    writes: int
    lost: int
    refused: int
    fence_seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures by the names that a report has for them."""
        return {"lost": self.lost, "refused_during_fence": self.refused, "fence_seconds": self.fence_seconds}


@dataclass
class Findings:
    """The figures of a rehearsal, filled in as it goes, so that a failed one shows how far it came.

    `migration` is the name in a team's app, None of the rehearsal's own; `made` are the tables that were created
    because the app only imports them. `counts` are the migration's own sums; `planted` is the name of a planted
    fault; `faults` are how many were injected, by kind; `phases` are seconds by name.
    `to` is how far the rehearsal went, `cut_over` how its cut-over was, `roll_back` how its roll back was;
    `left_behind` is what an ended migration has left, None where it did not end.
    """

    mode: str
    seed: int
    migration: str | None = None
    made: list[str] = field(default_factory=list)
    writes: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    planted: str | None = None
    faults: Mapping[str, int] = field(default_factory=dict)
    phases: Mapping[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    differences: Differences | None = None
    comparison: Comparison | None = None
    failure: Failure | None = None
    to: str = "ready"
    cut_over: SwitchFigures | None = None
    roll_back: SwitchFigures | None = None
    left_behind: list[str] | None = None

    @property
    def verdict(self) -> str:
        """Return whether the tables are "equal"; "failed" where unknown, after a wrong verify, or with things left."""
        if self.failure is not None or self.comparison is None:
            return FAILED
        if not self.comparison.equal or self.lost:
            return DIFFERENT
        wrong = self.differences is not None and not self.differences.is_right
        return FAILED if wrong or self.left_behind else EQUAL

    @property
    def lost(self) -> int | None:
        """Return how many keys were not right when the application was switched, None where it was not."""
        switches = [switch for switch in (self.cut_over, self.roll_back) if switch is not None]
        return sum(switch.lost for switch in switches) if switches else None

    @property
    def exit_code(self) -> int:
        """Return 0 for equal tables and 1 for everything else."""
        return 0 if self.verdict == EQUAL else 1

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values; what is not known because the rehearsal failed is null."""
        return {
            "verdict": self.verdict,
            "migration": self.migration,
            "mode": self.mode,
            **self._compared(),
            "writes": self.writes,
            **{name: self.counts.get(name, 0) for name in ("captured", "applied", "stale_skipped", "parked")},
            **self._verified(),
            "faults": {**({self.planted: 1} if self.planted else {}), **self.faults},
            "phases": dict(self.phases),
            "seed": self.seed,
            "to": self.to,
            **self._switched(),
            "left_behind": self.left_behind,
            "made": list(self.made),
            "notes": list(self.notes),
            "failure": asdict(self.failure) if self.failure is not None else None,
        }

    def _switched(self) -> dict[str, Any]:
        names = ("lost", "refused_during_fence", "fence_seconds")
        return {
            **(self.cut_over.as_json() if self.cut_over is not None else dict.fromkeys(names)),
            "lost": self.lost,
            "rolled_back": self.roll_back is not None if self.to == ROLL_BACK else None,
            "roll_back": self._rolled_back(),
        }

    def _rolled_back(self) -> dict[str, Any] | None:
        return {"writes": self.roll_back.writes, **self.roll_back.as_json()} if self.roll_back is not None else None

    def _verified(self) -> dict[str, Any]:
        found = self.differences
        values = (None,) * 5 if found is None else (*astuple(found)[:3], found.invented, found.again)
        return dict(zip(VERIFIED, values, strict=True))

    def _compared(self) -> dict[str, Any]:
        names = ("source_items", "destination_items", "missing", "extra", "different", "differences")
        return {**dict.fromkeys(names), **(asdict(self.comparison) if self.comparison is not None else {})}


def overall(rehearsals: Sequence[Findings]) -> str:
    """Return the worst verdict of several rehearsals; of none it is "failed"."""
    verdicts = {findings.verdict for findings in rehearsals} or {FAILED}
    return next(verdict for verdict in (FAILED, DIFFERENT, EQUAL) if verdict in verdicts)


def as_json(rehearsals: Sequence[Findings], left_out: Sequence[str] = ()) -> dict[str, Any]:
    """Return one rehearsal's report as it is, and several with the worst verdict of them.

    `left_out` are the resources of a team's app that no rehearsal needed.
    """
    more = {"left_out": list(left_out)} if left_out else {}
    if len(rehearsals) == 1:
        return {**rehearsals[0].as_json(), **more}
    modes = {findings.mode for findings in rehearsals}
    return {
        "verdict": overall(rehearsals),
        "mode": modes.pop() if len(modes) == 1 else "both",
        **more,
        "rehearsals": [findings.as_json() for findings in rehearsals],
    }
