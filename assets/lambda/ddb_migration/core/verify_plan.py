"""The plan of one verify pass: the Scan segments of both tables that it reads, also when it is resumed."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass

from ddb_migration.core.bulk_plan import direct_plan

# A sample is of so many segments at the least, so that it is spread over the table.
FEWEST_SAMPLED = 16
_PERCENT = re.compile(r"(\d+(?:\.\d+)?) *%")


class NotASample(ValueError):
    """A text names no share of a table."""


@dataclass(frozen=True)
class VerifyPlan:
    """Of `segments` Scan segments, all or those of a sample (`sampled` is its share); `tasks` work side by side.

    `began_at` is in epoch seconds: what was written to the tables before it, the pass sees.
    """

    began_at: float
    segments: int
    tasks: int
    sampled: float | None = None

    @property
    def chosen(self) -> list[int]:
        """Return the segments to read: of a sample, as many as its share, evenly spread over the hash range."""
        if self.sampled is None:
            return list(range(self.segments))
        count = max(1, round(self.segments * self.sampled))
        # Another sample reads other segments.
        first = int(self.began_at) % max(1, self.segments // count)
        return [first + number * self.segments // count for number in range(count)]

    def to_text(self) -> str:
        """Return the plan as its object holds it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> VerifyPlan:
        """Read what `to_text` wrote."""
        return cls(**json.loads(text))


def verify_plan(size_bytes: int, tasks: int, sampled: float | None, now: float) -> VerifyPlan:
    """Plan a pass over tables of a size, with as many tasks at the most."""
    bulk = direct_plan(size_bytes, tasks)
    segments = bulk.units if sampled is None else max(bulk.units, math.ceil(FEWEST_SAMPLED / sampled))
    return VerifyPlan(now, segments, bulk.tasks, sampled)


def share_of(text: str) -> float | None:
    """Return the share that a text such as `1%` names, None for `100%`; raises NotASample."""
    found = _PERCENT.fullmatch(text.strip())
    percent = float(found[1]) if found else 0.0
    if not 0.001 <= percent <= 100:
        raise NotASample(f"--sample is {text!r}; give a share of the table from 0.001% to 100%, such as 1%")
    return None if percent == 100 else percent / 100
