"""Rates: what changed between two looks at a migration."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ddb_migration_construct.cli.reading import Status

# Long enough to smooth what comes in batches, short enough to show within ten seconds that a rate was changed.
WINDOW_SECONDS = 10.0


@dataclass
class Samples:
    """The statuses of the last ten seconds of one migration, the newest last."""

    seen: deque[Status] = field(default_factory=deque)

    def add(self, status: Status) -> None:
        """Take a status in; those that are too old, or of another epoch, leave."""
        self.seen.append(status)
        while len(self.seen) > 2 and status.at - self.seen[1].at >= WINDOW_SECONDS:
            self.seen.popleft()
        while self.seen[0].record.epoch != status.record.epoch:
            self.seen.popleft()

    def per_second(self, count: str) -> float | None:
        """Return how fast one of the counts grew lately, None while there are no two looks to tell by."""
        if len(self.seen) < 2:
            return None
        first, last = self.seen[0], self.seen[-1]
        return max(0, last.counts.get(count, 0) - first.counts.get(count, 0)) / max(1e-3, last.at - first.at)

    def seconds_left(self) -> float | None:
        """Return the seconds until the bulk load or the drain ends at the rates of now, None where nobody can tell."""
        status = self.seen[-1]
        if status.record.bulk_loaded_at is None:
            return _divided((status.record.source_items or 0) - status.loaded, status.load_rate)
        gained = (self.per_second("applied") or 0.0) - (self.per_second("sent") or 0.0)
        return _divided(status.backlog, gained)


def _divided(left: float, per_second: float | None) -> float | None:
    return left / per_second if per_second and per_second > 0 and left > 0 else None


@dataclass
class Seen:
    """The migrations that are watched, each with what was seen of it."""

    newest: list[tuple[Status, Samples]] = field(default_factory=list)
    _samples: dict[str, Samples] = field(default_factory=dict)

    def add(self, statuses: Sequence[Status]) -> None:
        """Take in a look at all of them."""
        for status in statuses:
            self._samples.setdefault(status.migration, Samples()).add(status)
        # Replaced at once, because a view may read it from a thread of its own.
        self.newest = [(status, self._samples[status.migration]) for status in statuses]
