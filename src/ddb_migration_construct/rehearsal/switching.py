"""Switching the rehearsal's application from one table to another, at the moment that an event tells of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ddb_migration_construct.cli.control_table import ControlRecord
from ddb_migration_construct.rehearsal.phase_events import PhaseEvents
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.verdict import SwitchFigures
from ddb_migration_construct.rehearsal.writers import Writers

_POLL_SECONDS = 0.05
_HEARD_WITHIN_SECONDS = 60.0
_WRITTEN_WITHIN_SECONDS = 60.0


class SwitchNotSeen(Exception):
    """A switch was not as an application must see it."""


class Follower:
    """Does something, once, at the moment at which an event tells of a phase: `heard_at`, in epoch seconds."""

    def __init__(self, events: PhaseEvents, phase: str, act: Callable[[], None]) -> None:
        self._events, self._phase, self._act = events, phase, act
        self.heard_at = 0.0
        self._heard = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Follower:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._ended.set()
        self._thread.join()

    def wait(self) -> None:
        """Wait for the event; raises SwitchNotSeen when it does not come."""
        if not self._heard.wait(_HEARD_WITHIN_SECONDS):
            raise SwitchNotSeen(f"no event told of {self._phase}, so no application would have moved")

    def _listen(self) -> None:
        while not self._ended.is_set():
            if self._phase in self._events.take():
                self.heard_at = time.time()
                self._act()
                self._heard.set()
                return
            time.sleep(_POLL_SECONDS)


def figures(record: ControlRecord, writers: Writers, told_at: float, lost: int) -> SwitchFigures:
    """Return how a switch went that the application was told of at this moment.

    Raises SwitchNotSeen when writes were denied before there was a fence.
    """
    began = float(record.prepared_at or 0)
    outside = [moment for moment in writers.refusals if moment < began]
    if outside:
        raise SwitchNotSeen(f"{len(outside)} writes were denied before there was a fence")
    return SwitchFigures(str(record.cut_over_form), writers.writes_here, lost, len(writers.refusals), told_at - began)


def go_on(writers: Writers, table: str, what: str, writes: int, progress: Progress) -> None:
    """Let the writers go on with another table, for so many writes; one that it denies is an error of the writers.

    Raises WriterFailed, and SwitchNotSeen when nothing is written for a minute.
    """
    writers.switch_to(table)
    done, moved_at = -1, time.monotonic()
    while writers.is_writing and done < writes:
        writers.check()
        if writers.writes_here != done:
            done, moved_at = writers.writes_here, time.monotonic()
        elif time.monotonic() - moved_at > _WRITTEN_WITHIN_SECONDS:
            raise SwitchNotSeen(f"nothing was written to the {what} for {_WRITTEN_WITHIN_SECONDS:.0f} s")
        progress.show({f"written to the {what}": f"{done} of {writes}"})
        time.sleep(_POLL_SECONDS)
