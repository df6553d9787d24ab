"""The engine of a bulk task: many units read at once, their items mixed, written as fast as the table takes them.

It never blocks: it acts on the outcomes that its port tells it. Every write asks the gate first, and a unit's
checkpoint never passes an item that is neither written nor parked.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Sequence

from ddb_migration.aws.bulk_books import Books, Records, Saved
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_port import Port, Value
from ddb_migration.aws.bulk_reading import Reader, Reading
from ddb_migration.aws.bulk_writing import Writing
from ddb_migration.aws.waking import Waking
from ddb_migration.core.bulk_totals import Totals
from ddb_migration.core.item_text import Portion
from ddb_migration.core.mixing import Cursor

CHECKPOINT_SECONDS = 2.0
PROGRESS_SECONDS = 5.0
# Whether cursors want pages is looked at once in so many answers, with each page, and whenever items run short.
ANSWERS_A_LOOK = 8


class Engine:
    """Copies the units of one task.

    `runs` are the units of each cursor, one after the other. `finished` is called once, with None or with what
    stopped the task; `tell` gets a line of progress every five seconds.
    """

    def __init__(
        self,
        port: Port,
        reader: Reader,
        books: Books,
        gate: Gate,
        runs: Sequence[Sequence[str]],
        finished: Callable[[Exception | None], None],
        tell: Callable[[str], None] = print,
        expected: int = 0,
    ) -> None:
        self.totals = Totals(units=sum(map(len, runs)), expected=expected)
        self._port, self._books, self._gate = port, books, gate
        self._finished, self._tell = finished, tell
        self._runs = [deque(run) for run in runs if run]
        self._open: dict[Cursor, deque[str]] = {}
        self._records = Records(books.save, self._aside, self._done)
        self._reading = Reading(port, reader, gate, self.totals, len(self._runs), self._arrived, self._halt)
        self._writing = Writing(port, gate, self.totals, self._records.settle, self._answered, self._halt, self._park)
        self._asides = self._answers = 0
        self._is_pump_due = False
        self._waking = Waking(port, self._pump)
        self._error: Exception | None = None
        self._has_ended = False
        self._started = self._told_at = port.clock()
        self._told_items = 0

    def start(self) -> None:
        """Begin; everything else happens when the port tells outcomes."""
        self._gate.begin(self._pump, self._halt)
        for run in list(self._runs):
            self._next_unit(run)
        self._tick()

    # Units

    def _next_unit(self, run: deque[str]) -> None:
        """Open the next unit of a run, or of the longest run where this one has come to its end."""
        source = run or max(self._runs, key=len, default=run)
        if not source or self._error is not None:
            self._end()
            return
        # The far end of another cursor's run, so that the two do not fill one partition.
        unit = source.popleft() if source is run else source.pop()
        self._aside(functools.partial(self._books.read, unit), functools.partial(self._opened, unit, run))

    def _opened(self, unit: str, run: deque[str], saved: Saved) -> None:
        if saved.done:
            self.totals.units_skipped += 1
            self._next_unit(run)
            return
        cursor = Cursor(unit, saved.position, saved.items_read, saved.items_rejected, reads_from=saved.position)
        self._open[cursor] = run
        self._pump()

    def _done(self, cursor: Cursor) -> None:
        self.totals.units_done += 1
        self._next_unit(self._open.pop(cursor))

    # Items

    def _pump(self) -> None:
        """Read and write what may be read and written now."""
        if self._has_ended or self._error is not None:
            self._end()
            return
        wait = self._writing.write_more(partly=not self._reading.under_way)
        if wait is None and self._writing.in_flight and self._answers < ANSWERS_A_LOOK:
            return
        self._answers = 0
        read_wait = self._reading.read_more(self._open)
        for seconds in (wait, read_wait):
            if seconds:
                self._waking.within(seconds)

    def _answered(self) -> None:
        """Pump once for all the answers that arrive together.

        Requests that are made in a row cost a tenth less CPU than requests between which answers are read.
        """
        self._answers += 1
        if not self._is_pump_due:
            self._is_pump_due = True
            self._port.later(0.0, self._pump_for_answers)

    def _pump_for_answers(self) -> None:
        self._is_pump_due = False
        self._pump()

    def _arrived(self, cursor: Cursor, portion: Portion) -> None:
        if self._error is not None:
            return
        self._writing.mix.arrived(cursor, len(portion.items), portion.size)
        self._records.settle(cursor)
        # The first page of a task lets all cursors read.
        self._answers = ANSWERS_A_LOOK
        self._pump()

    def _park(self, text: bytes, error: Exception, then: Callable[[None], None]) -> None:
        self._aside(functools.partial(self._books.park, text, error), then)

    def _aside(self, work: Callable[[], Value], then: Callable[[Value], None]) -> None:
        self._asides += 1

        def told(outcome: Value | Exception) -> None:
            self._asides -= 1
            if isinstance(outcome, Exception):
                self._halt(outcome)
                return
            then(outcome)
            self._pump()

        self._port.aside(work, told)

    # Time

    def _tick(self) -> None:
        if self._has_ended:
            return
        self._records.save_all()
        self._end()
        if self._port.clock() - self._told_at >= PROGRESS_SECONDS:
            self._tell_progress()
        self._pump()
        self._port.later(CHECKPOINT_SECONDS, self._tick)

    def _tell_progress(self) -> None:
        now = self._port.clock()
        self._tell(self.totals.line(now - self._started, self._told_items, self._told_at - self._started))
        self._told_at, self._told_items = now, self.totals.items_written

    # The end

    def _halt(self, error: Exception) -> None:
        """Send nothing more; what is under way ends, and what was written is recorded."""
        if self._error is None:
            self._error = error
        self._end()

    def _end(self) -> None:
        if self._has_ended or self._writing.in_flight or self._asides:
            return
        if self._error is None and (self._open or any(self._runs)):
            return
        self._records.save_all()
        if self._asides:
            return
        self._has_ended = True
        self._gate.shut()
        self._tell_progress()
        self._finished(self._error)
