"""A table that has a stream, as the source: its items, its past, and its stream."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.simulation.failures import refused
from tests.simulation.kernel import Kernel
from tests.simulation.stream import Stream
from tests.simulation.tables import Item, Key, SimulatedTable, event_form

# One digit more while a run lasts: numbers compare wrongly as plain text.
FIRST_NUMBER = 10**21 - 300


class Source:
    """One such table; `stream` is None until it is switched on."""

    def __init__(self, kernel: Kernel, table: SimulatedTable, schema: dict[str, Any], draws: random.Random) -> None:
        self.kernel = kernel
        self.table = table
        self.schema = schema
        self.status = "ACTIVE"
        self.told_bytes = 1
        self.lag_seconds = 0.0
        self.stream: Stream | None = None
        self.streams: list[Stream] = []
        self.history: dict[Key, list[tuple[float, Item | None]]] = {}
        self.changed: Callable[[Key, Item | None, str | None], None] = lambda key, item, number: None
        self.by_time_to_live = False
        self._draws = draws
        table.written = self._written

    def _written(self, key: Key, old: Item | None, new: Item | None) -> None:
        self.history.setdefault(key, []).append((self.kernel.now, new))
        # A write that changes nothing is no change to the stream.
        number = None if old == new or self.stream is None or self.stream.ended else self._record(key, old, new)
        self.changed(key, new, number)

    def _record(self, key: Key, old: Item | None, new: Item | None) -> str | None:
        if self.stream is None:
            return None
        kind = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
        held: Any = old if new is None else new
        keys = event_form({name: held[name] for name in self.table.names})
        image = None if new is None else event_form(new)
        expired = self.by_time_to_live and new is None
        return self.stream.append(self.table.place(key), self.kernel.now, kind, keys, image, expired)

    def open_stream(self, view: str) -> None:
        """Begin a stream; the one before it ends."""
        if self.stream is not None:
            self.stream.end()
        label = f"stream-{len(self.streams) + 1}"
        first = FIRST_NUMBER + 10**6 * len(self.streams)
        self.stream = Stream(f"{self.table.arn}/stream/{label}", view, first, self._draws)
        self.streams.append(self.stream)

    def switch_on(self, specification: Any) -> dict[str, Any]:
        """Serve UpdateTable: what is written until the stream is enabled is not captured."""
        if self.status != "ACTIVE" or self.stream is not None:
            raise refused("ResourceInUseException", "the table is being updated, or has a stream", "UpdateTable")
        self.status = "UPDATING"

        def enabled() -> None:
            self.open_stream(specification["StreamViewType"])
            self.status = "ACTIVE"

        self.kernel.after(self._draws.uniform(2, 30), enabled)
        return {}

    def stale(self, table: SimulatedTable, key: Key, consistent: bool) -> Item | None:
        """Return an item as a read sees it: an old one at times, where the read is not consistent."""
        if consistent or table is not self.table or not self.lag_seconds:
            return table.items.get(key)
        return self.as_of(key, self.kernel.now - self._draws.random() * self.lag_seconds)

    def as_of(self, key: Key, moment: float) -> Item | None:
        """Return an item as it stood at a moment."""
        found: Item | None = None
        for written, item in self.history.get(key, []):
            if written > moment:
                break
            found = item
        return found
