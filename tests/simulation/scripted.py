"""A migration without chance: a test says what is written and when, and looks at what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ddb_migration.aws.rows import Rows
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.message import COMPRESS_ABOVE_BYTES, MESSAGE_LIMIT_BYTES
from tests.simulation.executions import Execution
from tests.simulation.faults import Faults
from tests.simulation.product import Product, bound
from tests.simulation.tables import Item
from tests.simulation.world import World

GIBIBYTE = 1 << 30


class Script:
    """One migration with real limits; `parked` reads what the control table holds."""

    def __init__(self, view: str = "NEW_IMAGE", most_events: int = 150_000) -> None:
        self.world = World(Faults("scripted", frozenset()), most_events=most_events)
        self.kernel = self.world.kernel
        self.product = Product(self.world, GIBIBYTE, 2)
        self.product.limit, self.product.compress_above = MESSAGE_LIMIT_BYTES, COMPRESS_ABOVE_BYTES
        self.world.source.open_stream(view)
        self.world.database.page_units = 1.0

    def put(self, item: Item) -> None:
        """Let the application put an item."""
        table = self.world.source.table
        table.write(table.key(item), item)

    def delete(self, item: Item) -> None:
        """Let the application delete an item, given with its key."""
        table = self.world.source.table
        table.write(table.key(item), None)

    def migrate(self) -> Execution:
        """Run the state machine to its end."""
        execution = self.world.machine.start()
        assert self.kernel.wait(lambda: execution.status != "RUNNING", 86400.0, 5.0), execution.state
        assert execution.status == "SUCCEEDED", execution.failure
        return execution

    def rest(self, seconds: float = 600.0) -> float:
        """Wait until nothing is under way, and return how many seconds that took."""
        begun = self.kernel.now
        assert self.kernel.wait(self._is_quiet, seconds, 1.0), "no rest"
        return self.kernel.now - begun

    def _is_quiet(self) -> bool:
        world = self.world
        idle = all(getattr(mapping, "idle", True) for mapping in world.mappings.mappings.values())
        return idle and not world.queue.messages and not any(one.running for one in world.functions.values())

    @property
    def differences(self) -> list[Any]:
        """Return the keys whose items differ."""
        here, there = self.world.source.table.items, self.world.destination.items
        return [key for key in {**here, **there} if here.get(key) != there.get(key)]

    @property
    def epoch(self) -> str:
        return str(self.product.control.read().epoch)

    @property
    def parked(self) -> int:
        return self.product.control.parked(self.epoch)

    @property
    def watermarks(self) -> Watermarks:
        stream = str(self.product.control.read().stream_arn)
        return Watermarks(Rows(self.world.client("dynamodb"), self.world.control.arn), stream, self.kernel.clock)

    def play(self, story: Callable[[Script], None]) -> None:
        """Play a story, which runs as a task of the simulated world."""
        with bound(self.product):
            task = self.kernel.spawn(lambda: story(self))
            try:
                self.kernel.run(task)
            finally:
                self.kernel.end()
        if task.error is not None:
            raise task.error
        assert task.finished
