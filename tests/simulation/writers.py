"""The application that goes on writing to the source."""

from __future__ import annotations

import random
from typing import Any

from tests.simulation.database import REJECTED
from tests.simulation.scenario import Burst, Write
from tests.simulation.tables import Key
from tests.simulation.world import World


def key_of(number: int) -> dict[str, Any]:
    """Return the key of the `number`th item."""
    return {"pk": {"S": f"customer-{number // 3}"}, "sk": {"N": str(number % 3)}}


def item_of(write: Write) -> dict[str, Any]:
    """Return the item that a write puts."""
    item = {
        **key_of(write.key),
        "value": {"S": str(write.value)},
        "raw": {"B": b"\x00\xff" + str(write.value).encode()},
    }
    if write.size:
        # Hexadecimal digits compress to a little more than half.
        item["text"] = {"S": random.Random(write.name).randbytes(write.size // 2).hex()}
    if write.rejected:
        item[REJECTED] = {"BOOL": True}
    return item


class Writers:
    """Runs the bursts of a scenario against the source."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._source = world.source

    def load(self, keys: tuple[int, ...]) -> None:
        """Put the items that are there before the migration."""
        for number in keys:
            item = item_of(Write("loaded", number, "loaded", 0, False, False, 0.0))
            self._source.table.write(self._source.table.key(item), item)

    def run(self, burst: Burst) -> None:
        """Make the writes of a burst."""
        for write in burst.writes:
            self._world.kernel.sleep(write.gap)
            self._make(write)

    def _make(self, write: Write) -> None:
        table = self._source.table
        key: Key = table.key(key_of(write.key))
        if write.value is None:
            expired = write.by_time_to_live and key in table.items
            if expired:
                self._world.faults.counts["time-to-live"] += 1
            self._source.by_time_to_live = expired
            table.write(key, None)
            self._source.by_time_to_live = False
            return
        self._world.faults.counts["large-item"] += write.size > 0
        self._world.faults.counts["rejected-item"] += write.rejected
        table.write(key, item_of(write))
