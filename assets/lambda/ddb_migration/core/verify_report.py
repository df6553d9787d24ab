"""The report of one verify pass: what the VerifyJob found, what Repair made of it, as one JSON object.

It holds keys and the names of attributes, never a value. It lies in the migration bucket at `report_key`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ddb_migration.core.attribute_values import Item
from ddb_migration.names import VERIFY_PREFIX

VERSION = 1

# Kinds of difference.
MISSING = "missing"
EXTRA = "extra"
DIFFERENT = "different"
KINDS = (MISSING, EXTRA, DIFFERENT)

# Verdicts.
EQUAL = "equal"
UNEQUAL = "unequal"


class NotAReport(ValueError):
    """A text is no report that this version can read."""


def pass_prefix(epoch: str, pass_id: str) -> str:
    """Return where the objects of one pass lie in the migration bucket."""
    return f"{VERIFY_PREFIX}{epoch}/{pass_id}/"


def report_key(epoch: str, pass_id: str) -> str:
    """Return the key of a pass's report in the migration bucket."""
    return pass_prefix(epoch, pass_id) + "report.json"


@dataclass(frozen=True)
class TableCount:
    """What was read of one table: its ARN, items, and read units (the reading again of single keys included)."""

    arn: str
    items: int
    read_units: float


@dataclass(frozen=True)
class Segment:
    """A part of the key space, by Scan segments `first` to `last`: items, and a digest of all of them, on each side.

    The digest is SHA-256 of the items as they were read, of several segments their exclusive or. Equal ones show that
    the same was read; on a table that is written to, or that gives its items in another order, they differ.
    """

    first: int
    last: int
    source_items: int
    destination_items: int
    source_digest: str
    destination_digest: str

    def joined(self, following: Segment) -> Segment:
        """Return this segment and the one that follows it as one."""
        return Segment(
            self.first,
            following.last,
            self.source_items + following.source_items,
            self.destination_items + following.destination_items,
            _combined(self.source_digest, following.source_digest),
            _combined(self.destination_digest, following.destination_digest),
        )


@dataclass(frozen=True)
class Generation:
    """One reading again of the keys that did not agree: when (epoch seconds), how many, and what became of them."""

    at: float
    keys: int
    agreed: int
    differing: int
    lag_seconds: float | None


@dataclass(frozen=True)
class Difference:
    """A key that stably differs: `missing` at the destination, `extra` there, or `different`.

    `attributes` are the names of those that differ. `watermark` is the number of the newest change that was applied
    to the key, None where no change was.
    """

    kind: str
    key: Item
    attributes: tuple[str, ...] = ()
    watermark: str | None = None


@dataclass(frozen=True)
class Found:
    """How many of the keys that did not agree at first came to what end.

    `agreed` agree now, `expired` are on one side only and have expired, `in_motion` still change (the checks of
    changed keys settle them); `unchecked` were too many to be read again. `parked` and `accepted` differ and are in
    the list of that name: the gate asks for the one, and an operator has settled the other.
    """

    agreed: int = 0
    expired: int = 0
    in_motion: int = 0
    unchecked: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0
    parked: int = 0
    accepted: int = 0

    @property
    def differences(self) -> int:
        """Return how many keys stably differ."""
        return self.missing + self.extra + self.different


@dataclass(frozen=True)
class Repairs:
    """What Repair did about the differences: rereads sent, keys that are equal since, and whether it has ended.

    `listed` are keys that are parked since, because the destination rejects them, or accepted.
    """

    sent: int = 0
    repaired: int = 0
    ended_at: float | None = None
    listed: int = 0


@dataclass(frozen=True)
class VerifyReport:
    """One pass; times are in epoch seconds.

    `sampled` is the share of the key space that was read, None for all of it. `segments_planned` is how many Scan
    segments that is, and `segments` tells of those that were compared. `found` counts all that was found;
    `differences` are those that still stand (after Repair), at most `LISTED` of them. `changes_applied` and
    `lag_seconds` (None where unknown) are those at the end of the pass.
    """

    epoch: str
    pass_id: str
    stream_arn: str
    began_at: float
    ended_at: float
    source: TableCount
    destination: TableCount
    segments_planned: int
    segments: tuple[Segment, ...]
    found: Found
    generations: tuple[Generation, ...] = ()
    differences: tuple[Difference, ...] = ()
    in_motion: tuple[Item, ...] = ()
    sampled: float | None = None
    units_skipped: int = 0
    lag_seconds: float | None = None
    changes_applied: int = 0
    repairs: Repairs = field(default_factory=Repairs)
    version: int = VERSION

    @property
    def standing(self) -> int:
        """Return how many differences still stand, listed or not."""
        return self.found.differences - self.repairs.repaired - self.repairs.listed

    @property
    def is_whole(self) -> bool:
        """Tell whether every segment of the tables was compared: a sample is never whole."""
        compared = sum(segment.last - segment.first + 1 for segment in self.segments)
        return self.sampled is None and compared == self.segments_planned and not self.found.unchecked

    @property
    def verdict(self) -> str:
        """Return whether what was read is equal, as the tables stand after repair."""
        return UNEQUAL if self.standing or self.found.unchecked else EQUAL

    @property
    def is_clean(self) -> bool:
        """Tell whether this pass shows that the tables are equal: all of them was read, and nothing differs."""
        return self.is_whole and self.verdict == EQUAL

    def repaired(self, repairs: Repairs, standing: Iterable[Difference]) -> VerifyReport:
        """Return the report with what Repair did and what is left."""
        return replace(self, repairs=repairs, differences=tuple(standing))

    def to_text(self) -> str:
        """Return the report as JSON; the verdict is in it for those who read it without this class."""
        told = {"verdict": self.verdict, "is_whole": self.is_whole, "is_clean": self.is_clean}
        return json.dumps({**asdict(self), **told}, indent=1)

    @classmethod
    def from_text(cls, text: str) -> VerifyReport:
        """Read what `to_text` wrote; raises NotAReport."""
        try:
            told = json.loads(text)
            if told["version"] != VERSION:
                raise NotAReport(f"a report of version {told['version']!r}; this is version {VERSION}")
            return cls(**_fields(told))
        except (KeyError, TypeError, ValueError) as error:
            raise NotAReport(f"no report of a verify pass: {error!r}") from error


# So many differences, and keys in motion, are listed.
LISTED = 10_000


def _fields(told: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: told[name] for name in VerifyReport.__dataclass_fields__}
    differences = [{**row, "attributes": tuple(row["attributes"])} for row in told["differences"]]
    return {
        **fields,
        "source": TableCount(**told["source"]),
        "destination": TableCount(**told["destination"]),
        "segments": tuple(Segment(**row) for row in told["segments"]),
        "found": Found(**told["found"]),
        "generations": tuple(Generation(**row) for row in told["generations"]),
        "differences": tuple(Difference(**row) for row in differences),
        "in_motion": tuple(told["in_motion"]),
        "repairs": Repairs(**told["repairs"]),
    }


def _combined(one: str, other: str) -> str:
    return f"{int(one, 16) ^ int(other, 16):0{len(one)}x}"
