"""Continuity: whether capture and apply took every change before it could expire.

The stream keeps a change for 24 hours and the change queue keeps it for its retention; what expires leaves no trace.
So each of the two legs of the change path has a moment up to which it is known to have worked. Its function moves
that moment on while it works, and so does whoever looks at its event source mapping. When it has stood still for
too long, and something was wrong with the leg meanwhile, the epoch is incomplete.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

# DynamoDB Streams keeps a record for 24 hours (Developer Guide, "Change data capture for DynamoDB Streams").
STREAM_SECONDS = 24 * 3600.0
# SQS API, SetQueueAttributes: MessageRetentionPeriod.
LONGEST_RETENTION_SECONDS = 14 * 86400.0
# How near to its expiry a change may come.
MARGIN_SECONDS = 3600.0
CURE = "the epoch is incomplete, and a clean full verify with repair has to show what is missing"


@dataclass(frozen=True)
class Leg:
    """One leg of the change path, and for how many seconds what it reads from keeps a change."""

    name: str
    reads: str
    kept_seconds: float

    @property
    def limit(self) -> float:
        """Return how old a change may become, in seconds."""
        return self.kept_seconds - MARGIN_SECONDS


CAPTURE_LEG = Leg("capture", "the stream", STREAM_SECONDS)


def apply_leg(retention_seconds: float) -> Leg:
    """Return the leg from the change queue to the destination."""
    return Leg("apply", "the change queue", retention_seconds)


@dataclass(frozen=True)
class Sight:
    """What a look at a leg's event source mapping shows; moments are in epoch seconds.

    `until` is up to when the leg is known to have worked, `changed_at` when the mapping was changed last, `backlog`
    the age in seconds of the oldest change that its function met lately, None where that is unknown.
    """

    until: float
    works: bool
    changed_at: float
    backlog: float | None
    now: float


@dataclass(frozen=True)
class Judgement:
    """Up to when the leg has worked, None where nothing new is known; and why the epoch is incomplete, if it is."""

    until: float | None = None
    incomplete: str | None = None


def judge(leg: Leg, sight: Sight) -> Judgement:
    """Judge by a look at the mapping.

    Nobody writes to an idle table, so its leg reports nothing for days and is in order: a mapping that works now,
    and was not touched since the leg was last known to work, has worked all the time. One that was touched, or does
    not work, is held to have stood still since then.
    """
    stood_until = sight.changed_at if sight.works else sight.now
    if sight.works and sight.changed_at <= sight.until:
        stood_until = sight.until
    reached = sight.now - sight.backlog if sight.works and sight.backlog is not None else None
    if stood_until - sight.until < leg.limit:
        return Judgement(reached)
    return Judgement(reached, _stood_still(leg, sight.until, stood_until))


def near_expiry(leg: Leg, age: float, now: float) -> str | None:
    """Return why the epoch is incomplete when a change of this age (seconds) was met; None when it is not."""
    if age < leg.limit:
        return None
    hours = f"{age / 3600:.1f} hours old, and {leg.reads} keeps a change for {leg.kept_seconds / 3600:g}"
    return f"at {_moment(now)} {leg.name} met a change {hours}: others may have expired; {CURE}"


def _stood_still(leg: Leg, since: float, until: float) -> str:
    hours = f"{(until - since) / 3600:.1f} hours, and {leg.reads} keeps a change for {leg.kept_seconds / 3600:g}"
    known = f"nothing shows that {leg.name} worked from {_moment(since)} to {_moment(until)}"
    return f"{known}, {hours}: changes may have expired; {CURE}"


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
