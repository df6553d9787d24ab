"""Rereads on their way into the change queue, each through the group of its key."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.item_key import message_group
from ddb_migration.core.message import encode_reread
from ddb_migration.core.send_batches import Entry, send_batches

ATTEMPTS = 5


@dataclass(frozen=True)
class Reread:
    """One key to be read again; with a number it stands for that change, which was made at `created`."""

    key: Item
    number: str | None = None
    created: float = 0.0


class Rereads:
    """Sends rereads of one epoch."""

    def __init__(
        self,
        queue: ChangeQueue,
        epoch: str,
        sleep: Callable[[float], object] = time.sleep,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._queue = queue
        self._epoch = epoch
        self._sleep = sleep
        self._new_id = new_id

    def send(self, rereads: Sequence[Reread]) -> list[bool]:
        """Send rereads and tell of each whether it is in the queue now."""
        # A fresh id each: SQS would drop a second reread of a key within five minutes, and the item may have changed.
        entries = [self._entry(reread) for reread in rereads]
        refused = {
            entry.deduplication_id
            for batch in send_batches(entries)
            for entry in self._queue.persist(batch, ATTEMPTS, self._sleep)
        }
        return [entry.deduplication_id not in refused for entry in entries]

    def _entry(self, reread: Reread) -> Entry:
        body = encode_reread(self._epoch, reread.key, reread.number, reread.created)
        return Entry(reread.number or "", message_group(reread.key), self._new_id(), body)
