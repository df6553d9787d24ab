"""Samples of a rehearsed migration, taken while it runs: what its report draws over time. Counts, no item."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.over_time import Period, chart, over_time
from ddb_migration_construct.cli.reading import Status

# Wide enough that a rate is not that of single messages, and no more points than can be seen.
_EVERY_SECONDS = 2.0
_SHORTEST_POINT, _MOST_POINTS = 2.0, 240
_COUNTED = ("captured", "applied")
Points = list[tuple[float, float | None]]


@dataclass(frozen=True)
class Sample:
    """A migration at one moment (`at`, epoch seconds); everything but lag and backlog counts from the start on."""

    at: float
    lag: float | None
    backlog: int
    captured: int
    applied: int
    loaded: int
    faults: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, status: Status, faults: Mapping[str, int]) -> Sample:
        """Return what a status says, with the faults that the rehearsal has injected."""
        captured, applied = (status.counts.get(name, 0) for name in _COUNTED)
        applies = status.record.trigger_enabled_at is not None
        lag = status.lag_seconds if applies else None
        return cls(status.at, lag, status.backlog, captured, applied, status.loaded, dict(faults))


class Sampler:
    """Takes a sample every two seconds in a thread of its own, until the block ends; `take` may fail at any time."""

    def __init__(self, take: Callable[[], Sample], every: float = _EVERY_SECONDS) -> None:
        self.samples: list[Sample] = []
        self._take = take
        self._every = every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            # Whatever it is, the rehearsal itself meets it and tells of it; here it is a point less.
            try:
                self.samples.append(self._take())
            except (BotoCoreError, ClientError, CommandFailed):
                continue


def drawn(samples: Sequence[Sample]) -> dict[str, Any] | None:
    """Return the report's `over_time` of these samples, None of fewer than two."""
    if len(samples) < 2:
        return None
    began, ended = samples[0].at, max(samples[-1].at, samples[0].at + _SHORTEST_POINT)
    period = Period(began, ended, max(_SHORTEST_POINT, (ended - began) / _MOST_POINTS))
    source = "By the rehearsal's own looks, one every two seconds. Waits of the migration are shortened here."
    return over_time(period, source, list(_charts(samples, period)), [])


def _charts(samples: Sequence[Sample], period: Period) -> Iterator[dict[str, Any]]:
    buckets = _buckets(samples, period)

    def rates(*counts: str) -> list[dict[str, Any]]:
        return [_series(name, _rates(buckets, attrgetter(name))) for name in counts]

    yield chart("Lag", "s", [_series("lag", _highest(buckets, lambda one: one.lag))])
    yield chart("Backlog", "messages", [_series("backlog", _highest(buckets, lambda one: float(one.backlog)))])
    yield chart("Changes", "a second", rates("captured", "applied"))
    yield chart("Bulk load", "items a second", rates("loaded"))
    kinds = sorted({kind for sample in samples for kind in sample.faults})
    yield chart("Faults", "", [_series(kind, _faults(buckets, kind)) for kind in kinds], "bars")


def _series(name: str, points: Points) -> dict[str, Any]:
    return {"name": name, "points": points}


def _buckets(samples: Sequence[Sample], period: Period) -> list[tuple[float, list[Sample]]]:
    """Return the samples of each point, with its time; a point without any is left out."""
    found: dict[int, list[Sample]] = {}
    for sample in samples:
        found.setdefault(int((sample.at - period.began) / period.seconds), []).append(sample)
    return [(round(period.began + number * period.seconds, 1), ones) for number, ones in found.items()]


def _highest(buckets: Sequence[tuple[float, list[Sample]]], value: Callable[[Sample], float | None]) -> Points:
    def highest(ones: Sequence[Sample]) -> float | None:
        known = [found for found in map(value, ones) if found is not None]
        return max(known, default=None)

    return [(at, highest(ones)) for at, ones in buckets]


def _rates(buckets: Sequence[tuple[float, list[Sample]]], count: Callable[[Sample], int]) -> Points:
    """Return how fast a count grew from the end of one point to that of the next; another epoch begins at zero."""
    ends = [(at, ones[-1]) for at, ones in buckets]
    return [
        (at, round(max(0, count(last) - count(before)) / max(0.1, last.at - before.at), 2))
        for (_, before), (at, last) in pairwise(ends)
    ]


def _faults(buckets: Sequence[tuple[float, list[Sample]]], kind: str) -> Points:
    ends = [(at, ones[-1].faults.get(kind, 0)) for at, ones in buckets]
    first = [(at, float(number)) for at, number in ends[:1]]
    return [*first, *((at, float(number - before)) for (_, before), (at, number) in pairwise(ends))]
