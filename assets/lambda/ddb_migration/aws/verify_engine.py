"""The engine of a verify task: segments of both tables, read side by side and matched as they arrive.

Side by side, so that little changes between the two reads of an item. It never blocks: it acts on the outcomes that
its port tells it.
"""

from __future__ import annotations

import functools
from collections import Counter, deque
from collections.abc import Callable, Sequence

from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_port import Port
from ddb_migration.aws.bulk_readers import segment_unit
from ddb_migration.aws.bulk_reading import Reader, Reading
from ddb_migration.aws.waking import Waking
from ddb_migration.core.allowance import Allowance
from ddb_migration.core.bulk_totals import Totals
from ddb_migration.core.item_text import Portion
from ddb_migration.core.matching import SIDES, Leftover, Matched, Matching
from ddb_migration.core.mixing import Cursor

# Segments that one task reads at once, each from both tables: enough to keep several partitions busy.
PAIRS = 8
# One table's read may be ahead of the other's by so much text, beside one page.
MOST_LEAD_BYTES = 2 * 1024 * 1024
PROGRESS_SECONDS = 5.0


class SecondTable:
    """The gate of the other table's reads: the same permit and the same rate, but an allowance of its own."""

    def __init__(self, gate: Gate) -> None:
        self.reads = Allowance()
        self._gate = gate

    def read_wait(self, now: float) -> float:
        """Return the seconds until the next read may begin."""
        self.reads.rate = self._gate.reads.rate
        return self._gate.hold(now) or self.reads.wait(now)


class Pair:
    """One segment under way: a cursor for each table, and what was matched of them so far."""

    def __init__(self, segment: int, run: deque[int], matching: Matching) -> None:
        self.segment, self.run, self.matching = segment, run, matching
        self.cursors = (Cursor(segment_unit(segment)), Cursor(segment_unit(segment)))
        self.read_units = [0.0, 0.0]
        self.leftovers: list[Leftover] = []

    @property
    def is_read(self) -> bool:
        """Tell whether both tables' segments are read to the end."""
        return all(cursor.is_read for cursor in self.cursors)

    def may_read(self, side: int) -> bool:
        """Tell whether a side may read on: it waits for the other when it is far ahead."""
        return self.matching.lead_bytes(side) <= MOST_LEAD_BYTES or self.cursors[1 - side].is_read

    def arrived(self, side: int, portion: Portion) -> None:
        """Match a page."""
        cursor = self.cursors[side]
        cursor.pages.clear()
        cursor.fresh.clear()
        self.read_units[side] += portion.units
        self.matching.add(side, portion.items)
        if self.is_read or self.matching.is_full:
            self.leftovers += self.matching.take_leftovers()

    def matched(self) -> Matched:
        """Return what came of it."""
        source, destination = self.matching.sides
        return Matched(
            self.segment,
            (source.items, destination.items),
            (source.sha256.hexdigest(), destination.sha256.hexdigest()),
            (self.read_units[0], self.read_units[1]),
            tuple(self.leftovers),
        )


class VerifyEngine:
    """Matches the segments of one task.

    `readers` are those of source and destination; `runs` are the segments of each pair of cursors, one after the
    other. `save` keeps a matched segment and blocks; `finished` is called once, with None or with what stopped the
    task.
    """

    def __init__(
        self,
        port: Port,
        readers: tuple[Reader, Reader],
        gate: Gate,
        runs: Sequence[Sequence[int]],
        new_matching: Callable[[], Matching],
        save: Callable[[Matched], None],
        finished: Callable[[Exception | None], None],
        tell: Callable[[str], None] = print,
    ) -> None:
        self.totals = (Totals(), Totals())
        self._port, self._gate = port, gate
        self._new_matching, self._save, self._finished, self._tell = new_matching, save, finished, tell
        self._runs = [deque(run) for run in runs if run]
        self._segments = sum(map(len, self._runs))
        self._open: dict[Cursor, tuple[int, Pair]] = {}
        gates = (gate, SecondTable(gate))
        self._readings = tuple(
            Reading(port, readers[side], gates[side], self.totals[side], 2 * PAIRS, self._arrived, self._halt)
            for side in SIDES
        )
        self._saving = self._saved = 0
        self._error: Exception | None = None
        self._has_ended = False
        self._waking = Waking(port, self._pump)

    @property
    def throttled_calls(self) -> Counter[str]:
        """Return how many calls to the two tables were throttled so far, by reason."""
        source, destination = self.totals
        return source.throttled_calls + destination.throttled_calls

    def start(self) -> None:
        """Begin; everything else happens when the port tells outcomes."""
        self._gate.begin(self._pump, self._halt)
        for run in self._runs:
            self._next_segment(run)
        self._port.later(PROGRESS_SECONDS, self._tick)
        self._pump()

    def _next_segment(self, run: deque[int]) -> None:
        if run:
            pair = Pair(run.popleft(), run, self._new_matching())
            self._open.update((cursor, (side, pair)) for side, cursor in enumerate(pair.cursors))

    def _pump(self) -> None:
        """Read what may be read now."""
        if self._has_ended or self._error is not None:
            self._end()
            return
        for side, reading in enumerate(self._readings):
            mine = [cursor for cursor, (of, pair) in self._open.items() if of == side and pair.may_read(side)]
            seconds = reading.read_more(mine)
            if seconds:
                self._waking.within(seconds)
        self._end()

    def _arrived(self, cursor: Cursor, portion: Portion) -> None:
        if self._error is not None:
            self._end()
            return
        side, pair = self._open[cursor]
        pair.arrived(side, portion)
        if pair.is_read:
            self._keep(pair)
        self._pump()

    def _keep(self, pair: Pair) -> None:
        for cursor in pair.cursors:
            del self._open[cursor]
        self._saving += 1
        self._port.aside(functools.partial(self._save, pair.matched()), self._kept)
        self._next_segment(pair.run)

    def _kept(self, outcome: None | Exception) -> None:
        self._saving -= 1
        self._saved += 1
        if isinstance(outcome, Exception):
            self._halt(outcome)
        else:
            self._pump()

    def _tick(self) -> None:
        if not self._has_ended:
            self._tell_progress()
            self._port.later(PROGRESS_SECONDS, self._tick)

    def _tell_progress(self) -> None:
        source, destination = self.totals
        self._tell(
            f"verify: {source.items_read} and {destination.items_read} items; {self._saved} of {self._segments} "
            f"segments; {source.read_units:.0f} and {destination.read_units:.0f} read units"
        )

    def _halt(self, error: Exception) -> None:
        """Read nothing more; segments under way are read again another time."""
        self._error = self._error or error
        self._end()

    def _end(self) -> None:
        busy = self._saving or any(reading.under_way for reading in self._readings)
        if self._has_ended or busy or (self._error is None and self._open):
            return
        self._has_ended = True
        self._gate.shut()
        self._tell_progress()
        self._finished(self._error)
