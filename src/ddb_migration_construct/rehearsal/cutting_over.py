"""The cut-over of a rehearsal, under writers that follow the events as an application does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.control_table import read_record
from ddb_migration_construct.cli.cut_over import FENCED, UNFENCED, CutOvers, Order, preview, require_open
from ddb_migration_construct.rehearsal.comparison import Comparison
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.phase_events import PhaseEvents
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.verdict import CutOverFigures, Findings
from ddb_migration_construct.rehearsal.writers import Writers

_POLL_SECONDS = 0.05
_HEARD_WITHIN_SECONDS = 60.0
# So many writes go to the destination before the rehearsal believes that the application lives there.
_WRITES_AFTER = 20


class CutOverNotSeen(Exception):
    """The cut-over was not as an application must see it."""


class Flip:
    """Does something, once, at the moment at which the event tells that the migration has cut over."""

    def __init__(self, events: PhaseEvents, act: Callable[[], None]) -> None:
        self._events, self._act = events, act
        self._heard = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Flip:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        self._ended.set()
        self._thread.join()

    def wait(self) -> None:
        """Wait for the event; raises CutOverNotSeen when it does not come."""
        if not self._heard.wait(_HEARD_WITHIN_SECONDS):
            raise CutOverNotSeen("no event told that the migration has cut over, so no application would have moved")

    def _listen(self) -> None:
        while not self._ended.is_set():
            if names.HAS_CUT_OVER_PHASE in self._events.take():
                self._act()
                self._heard.set()
                return
            time.sleep(_POLL_SECONDS)


def cut_over(
    deployed: Deployed,
    events: PhaseEvents,
    writers: Writers,
    progress: Progress,
    findings: Findings,
    compare: Callable[[], Comparison],
) -> None:
    """Cut over as the command does; compare the tables at the flip, then let the writers go on at the destination.

    Raises CommandFailed when the migration refuses or turns back, CutOverNotSeen when an application was misled.
    """
    migration = deployed.migration
    found = preview(deployed.client("lambda"), migration)
    form = FENCED if found["fences"] else UNFENCED
    require_open(migration, found, form)
    if form == UNFENCED:
        # The operator's word has to be true.
        writers.hold()
    with Flip(events, writers.hold if form == FENCED else lambda: None) as flip:
        following = CutOvers(deployed.states, deployed.dynamodb, Order(form)).order([migration])
        following.result(migration)
        flip.wait()
    findings.comparison = compare()
    findings.cut_over = _figures(deployed, writers, form)
    _go_on(deployed, writers, progress)


def _figures(deployed: Deployed, writers: Writers, form: str) -> CutOverFigures:
    record = read_record(deployed.dynamodb, deployed.migration.control_table)
    began, ended = float(record.prepared_at or 0), float(record.cut_over_at or 0)
    outside = [moment for moment in writers.refusals if moment < began]
    if outside:
        raise CutOverNotSeen(f"{len(outside)} writes were denied before there was a fence")
    return CutOverFigures(form, len(writers.refusals), ended - began)


def _go_on(deployed: Deployed, writers: Writers, progress: Progress) -> None:
    """Write to the destination for a while; a write that it denies is an error of the writers."""
    writers.switch_to(deployed.destination)
    before = writers.writes
    until = time.monotonic() + _HEARD_WITHIN_SECONDS
    while writers.is_writing and writers.writes < before + _WRITES_AFTER and time.monotonic() < until:
        writers.check()
        progress.show({"written to the destination": writers.writes - before})
        time.sleep(_POLL_SECONDS)
