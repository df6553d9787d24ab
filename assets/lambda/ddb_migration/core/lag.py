"""Lag: the larger of the age of the oldest queued change and the stream's lag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LOW_SECONDS = 30.0
QUIET_SECONDS = 300
# WriteCdc and StreamProcessor report at every invocation; older reports tell of nothing that waits now.
# Drain looks every minute; a little more, so that no report falls between two looks.
REPORT_SECONDS = 90.0


@dataclass(frozen=True)
class Report:
    """What one reader last saw: the age in seconds of the oldest change in its batch, and when (epoch seconds)."""

    age: float
    at: float


@dataclass(frozen=True)
class Readings:
    """What is known about the change path at one moment; `discarding` tells of a mapping that discards changes."""

    queued: int
    captures: tuple[Report, ...]
    applies: tuple[Report, ...]
    capture_works: bool
    apply_works: bool
    discarding: str | None = None


def lag_seconds(readings: Readings, now: float) -> float | None:
    """Return the lag, or None while it cannot be known; an unknown lag is never a low one.

    A queue that holds messages of which no reader has reported lately has an unknown age.
    """
    if not (readings.capture_works and readings.apply_works):
        return None
    queue = queue_backlog(readings, now)
    return None if queue is None else max(stream_backlog(readings.captures, now), queue)


def stream_backlog(captures: Iterable[Report], now: float) -> float:
    """Return the age in seconds of the oldest change that capture met lately; where it met none, none waits."""
    return _oldest(captures, now) or 0.0


def queue_backlog(readings: Readings, now: float) -> float | None:
    """Return the age in seconds of the oldest queued change, None where messages wait of which nobody reported."""
    return _oldest(readings.applies, now) if readings.queued else 0.0


def is_low(lag: float | None) -> bool:
    """Tell whether the destination is in step."""
    return lag is not None and lag < LOW_SECONDS


def _oldest(reports: Iterable[Report], now: float) -> float | None:
    return max((report.age for report in reports if now - report.at <= REPORT_SECONDS), default=None)
