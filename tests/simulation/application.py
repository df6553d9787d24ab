"""The application: it writes to the source, and to the destination from the moment on that it is told to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ddb_migration import names
from tests.simulation.database import REJECTED
from tests.simulation.table_policy import HOSTS
from tests.simulation.tables import Item, Key
from tests.simulation.world import World

PATIENCE_SECONDS = 4.0


class Application:
    """What the application has been told, and what it was last answered for each key: `answered`."""

    def __init__(self, world: World) -> None:
        self.answered: dict[Key, Item | None] = {}
        self.has_switched = False
        self.is_stopped = False
        self.refused = 0
        self._world = world
        self._draws = world.draws("application")

    def follow(self, detail: Mapping[str, Any]) -> None:
        """Follow the phases that the migration announces; some come more than once."""
        if detail["phase"] == names.HAS_CUT_OVER_PHASE:
            self.has_switched = True
            self.is_stopped = False

    def host(self) -> int:
        """Return the host of DynamoDB that a connection leads to."""
        return self._draws.randrange(HOSTS)

    def write(self, key: Key, item: Item | None, host: int) -> None:
        """Write an item, or delete the key's; where that is denied, again until it is not."""
        while not self._try(key, item, host):
            self.refused += 1
            self._world.kernel.sleep(PATIENCE_SECONDS * self._draws.random())

    def _try(self, key: Key, item: Item | None, host: int) -> bool:
        if self.has_switched:
            if item is None or REJECTED not in item:
                self._world.destination.write(key, item)
                self.answered[key] = item
            return True
        if self.is_stopped or self._world.policy.denies(host):
            return False
        self._world.source.table.write(key, item)
        self.answered[key] = item
        return True


def others_policy(version: int) -> str:
    """Return a policy as the table's owner deploys it."""
    statement = {"Sid": f"Theirs{version}", "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
