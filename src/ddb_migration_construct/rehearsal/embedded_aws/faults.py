"""Faults: what may go wrong on AWS, drawn from a seed and counted by kind.

Only calls of assumed roles meet them, which are the migration's; the rehearsal's own pass. The rates are
inventions, far above what AWS shows, so that every kind comes up in a run of a minute.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TypeVar

from ministack.core import iam_evaluator

from .settings import Settings

UNPROCESSED = "UnprocessedItems"
THROUGHPUT = "ProvisionedThroughputExceededException"
THROTTLING = "ThrottlingException"
SERVER_ERROR = "InternalServerError"
SEND_FAILED = "SendMessageBatch entry failed"
FAILED = "invocation failed"
TIMED_OUT = "invocation timed out"
REPEATED = "invocation repeated"
REPEATED_LATE = "invocation repeated late"
PARTLY_FAILED = "batch partly failed"
SLOW_START = "Glue run slow to start"
PAUSED = "Glue run paused"

KINDS = (
    *(UNPROCESSED, THROUGHPUT, THROTTLING, SERVER_ERROR, SEND_FAILED),
    *(FAILED, TIMED_OUT, REPEATED, REPEATED_LATE, PARTLY_FAILED, SLOW_START, PAUSED),
)

# The chance of each kind where it could come up: of a call, an invocation, a run, or (PAUSED) a fifth of a second.
_HEAVY = {
    UNPROCESSED: 0.3,
    THROUGHPUT: 0.04,
    THROTTLING: 0.02,
    SERVER_ERROR: 0.02,
    SEND_FAILED: 0.15,
    FAILED: 0.08,
    TIMED_OUT: 0.05,
    REPEATED: 0.08,
    REPEATED_LATE: 0.08,
    PARTLY_FAILED: 0.1,
    SLOW_START: 1.0,
    PAUSED: 0.03,
}
_SHARE = {"none": 0.0, "light": 0.15, "heavy": 1.0}

Member = TypeVar("Member")


class Faults:
    """Draws and counts faults; each kind has a succession of its own, which the seed decides."""

    def __init__(self, level: str, seed: int, record: Path) -> None:
        share = _SHARE[level]
        self.are_on = share > 0
        self._chances = {kind: chance * share for kind, chance in _HEAVY.items()}
        self._random = {kind: Random(f"{seed}/{kind}") for kind in KINDS}
        self._record = record
        self._lock = threading.Lock()

    def strike(self, kind: str) -> bool:
        """Decide whether a fault of this kind comes up here, and count it if so."""
        with self._lock:
            if not self.are_on or self._random[kind].random() >= self._chances[kind]:
                return False
            with self._record.open("a") as record:
                record.write(kind + "\n")
            return True

    def some(self, kind: str, members: Sequence[Member]) -> list[Member]:
        """Choose at least one of the members."""
        with self._lock:
            random = self._random[kind]
            return random.sample(list(members), random.randint(1, len(members))) if members else []

    def wait(self, kind: str, at_most_seconds: float) -> None:
        """Wait for a drawn time."""
        with self._lock:
            seconds = self._random[kind].uniform(0, at_most_seconds)
        time.sleep(seconds)


def caller_is_a_role() -> bool:
    """Tell whether the request at hand is signed by an assumed role."""
    return ":assumed-role/" in (iam_evaluator.caller_arn() or "")


def faults_of(settings: Settings) -> Faults:
    """Return the faults that the settings ask for."""
    return Faults(settings.faults, settings.fault_seed, settings.work_dir / "faults.log")
