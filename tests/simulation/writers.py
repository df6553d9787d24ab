"""The application that goes on writing, and its stragglers, who get to know of a switch late."""

from __future__ import annotations

import random
from typing import Any

from tests.simulation.application import Application
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
    """Runs the bursts of a scenario."""

    def __init__(self, world: World, has_stragglers: bool = False) -> None:
        self._world = world
        self._source = world.source
        self._has_stragglers = has_stragglers
        self._draws = world.draws("straggler")
        self.application = Application(world)

    def load(self, keys: tuple[int, ...]) -> None:
        """Put the items that are there before the migration."""
        for number in keys:
            item = item_of(Write("loaded", number, "loaded", 0, False, False, 0.0))
            self.application.write(self._source.table.key(item), item, 0)

    def run(self, burst: Burst) -> None:
        """Make the writes of a burst, over one connection."""
        host, late = self.application.host(), self._lateness()
        for write in burst.writes:
            self._world.kernel.sleep(write.gap)
            self._make(write, host, late)

    def _lateness(self) -> float:
        if not self._has_stragglers or self._draws.random() < 0.5:
            return 0.0
        self._world.faults.counts["straggler"] += 1
        return self._draws.choice((5.0, 60.0, 600.0))

    def _make(self, write: Write, host: int, late: float) -> None:
        table = self._source.table
        key: Key = table.key(key_of(write.key))
        if write.value is None:
            if write.by_time_to_live and self._expires(key):
                return self._expire(key)
            return self.application.write(key, None, host, late)
        self._world.faults.counts["large-item"] += write.size > 0
        self._world.faults.counts["rejected-item"] += write.rejected
        return self.application.write(key, item_of(write), host, late)

    def _expires(self, key: Key) -> bool:
        """Tell whether an expiry is that table's alone; a fence does not hold it back, and what came last counts."""
        side = self.application.table()
        is_captured = side is self._source or self._world.rollback_window is not None
        return key in side.table.items and is_captured and not self._world.policies[side.table.arn].text_denies

    def _expire(self, key: Key) -> None:
        side = self.application.table()
        self._world.faults.counts["time-to-live"] += 1
        side.by_time_to_live = True
        side.table.write(key, None)
        side.by_time_to_live = False
        self.application.answered[key] = None
