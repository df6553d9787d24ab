"""The application: it writes to the table that it was told of last, whichever part of it knows that already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ddb_migration import names
from tests.simulation.database import REJECTED
from tests.simulation.source import Source
from tests.simulation.table_policy import HOSTS
from tests.simulation.tables import Item, Key
from tests.simulation.world import World

PATIENCE_SECONDS = 4.0


class Application:
    """What the application has been told, and what it was last answered for each key: `answered`.

    `passed` are keys that a straggler could write to the table that was left, because somebody took its fence away;
    `wrong` is told of what an application must never be told.
    """

    def __init__(self, world: World) -> None:
        self.answered: dict[Key, Item | None] = {}
        self.passed: set[Key] = set()
        self.wrong: list[str] = []
        self.is_stopped = False
        self.refused = 0
        self._world = world
        self._switches: list[tuple[float, Source]] = [(0.0, world.source)]
        self._draws = world.draws("application")

    @property
    def has_switched(self) -> bool:
        """Tell whether it was ever told to leave the source."""
        return len(self._switches) > 1

    @property
    def is_back(self) -> bool:
        """Tell whether it was switched to the destination, and back to the source."""
        return self.has_switched and self.table() is self._world.source

    def follow(self, detail: Mapping[str, Any]) -> None:
        """Follow the phases that the migration announces; some come more than once."""
        if detail["phase"] == names.HAS_CUT_OVER_PHASE:
            if self.is_back:
                self.wrong.append("the application is told of the cut-over after the roll back")
            self._switch(self._world.streamed_destination)
        elif detail["phase"] == names.ROLLED_BACK_PHASE:
            self._switch(self._world.source)

    def _switch(self, table: Source) -> None:
        self.is_stopped = False
        if table is not self.table():
            self._switches.append((self._world.kernel.now, table))

    def table(self, late: float = 0.0) -> Source:
        """Return the table to write to, for those who get to know everything so many seconds late."""
        known = self._world.kernel.now - late
        return next(table for moment, table in reversed(self._switches) if moment <= known)

    def host(self) -> int:
        """Return the host of DynamoDB that a connection leads to."""
        return self._draws.randrange(HOSTS)

    def write(self, key: Key, item: Item | None, host: int, late: float = 0.0) -> None:
        """Write an item, or delete the key's; where that is denied, again until it is not."""
        while not self._try(key, item, host, late):
            self.refused += 1
            self._world.kernel.sleep(PATIENCE_SECONDS * self._draws.random())

    def _try(self, key: Key, item: Item | None, host: int, late: float) -> bool:
        side = self.table(late)
        if side is not self._world.source and item is not None and REJECTED in item:
            return True
        if self._world.policies[side.table.arn].denies(host) or (self.is_stopped and side is self._world.source):
            return False
        side.table.write(key, item)
        self.answered[key] = item
        if side is not self.table():
            self.passed.add(key)
        return True


def others_policy(version: int) -> str:
    """Return a policy as the table's owner deploys it."""
    statement = {"Sid": f"Theirs{version}", "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
