"""What a bulk task has done so far, and how it tells of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

_MIB = 1024 * 1024


@dataclass
class Totals:
    """Counts of one task in this run; `expected` is its share of the table's items, 0 where nobody knows.

    `throttled` counts items that the destination did not take, `throttled_calls` calls to either table.
    """

    units: int = 0
    expected: int = 0
    units_done: int = 0
    units_skipped: int = 0
    items_read: int = 0
    items_written: int = 0
    items_rejected: int = 0
    read_units: float = 0.0
    write_units: float = 0.0
    bytes_read: int = 0
    items_offered: int = 0
    throttled: Counter[str] = field(default_factory=Counter)
    throttled_calls: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)

    def line(self, seconds: float, items_before: int, seconds_before: float) -> str:
        """Return a line of progress, `seconds` after the start; the rate is that since the line before."""
        rate = (self.items_written - items_before) / max(1e-9, seconds - seconds_before)
        size = self.items_written * self.bytes_read / max(1, self.items_read)
        parts = [
            f"{self.items_written} items, {size / _MIB:.1f} MiB of JSON",
            f"{self.units_done + self.units_skipped} of {self.units} units ({self.units_skipped} done before)",
            f"{rate:.0f} items/s",
            f"{self.read_units:.0f} read units, {self.write_units:.0f} write units",
            *self._throttles(),
            *([f"calls repeated: {_listed(self.failures)}"] if self.failures else []),
            *([f"{self.items_rejected} items rejected"] if self.items_rejected else []),
            f"{self._eta(rate)} left",
        ]
        return "bulk load: " + "; ".join(parts)

    def _throttles(self) -> list[str]:
        text = throttle_text(self.throttled, self.items_offered)
        return [f"throttled {text}"] if text else []

    def _eta(self, rate: float) -> str:
        left = self.expected - self.items_written
        if not self.expected or left < 0 or rate <= 0:
            return "unknown time"
        minutes, seconds = divmod(int(left / rate), 60)
        return f"about {minutes} min {seconds} s"


@dataclass(frozen=True)
class TaskNote:
    """What one task has written in this run, and how fast and how throttled it was lately."""

    items_written: int
    per_second: float
    throttles: str


def throttle_text(throttled: Counter[str], items_offered: int) -> str:
    """Return which share of the items offered was throttled, and why; empty where none was."""
    if not throttled:
        return ""
    share = 100 * sum(throttled.values()) / max(1, items_offered)
    return f"{share:.1f} % of the items offered ({_listed(throttled)})"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
