"""Filling the source before the migration starts."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ddb_migration_construct.rehearsal.items import Item, Items

# BatchWriteItem takes at most 25 items (API Reference, BatchWriteItem).
BATCH_ITEMS = 25
_THREADS = 4
_ATTEMPTS = 12


class SeedingFailed(Exception):
    """The source did not take the rehearsal's items."""


def seed(
    client: Any,
    table: str,
    items: Items,
    count: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write the items of index 0 to `count` - 1 into the table, several batches at once.

    Raises SeedingFailed when a batch is still not whole after several attempts.
    """
    starts = range(0, count, BATCH_ITEMS)
    batches = ([items.item(index) for index in range(start, min(start + BATCH_ITEMS, count))] for start in starts)
    with ThreadPoolExecutor(_THREADS) as pool:
        written = 0
        for size in pool.map(lambda batch: _write(client, table, batch), batches):
            written += size
            on_progress(written)


def _write(client: Any, table: str, batch: list[Item]) -> int:
    waiting: list[Any] = [{"PutRequest": {"Item": item}} for item in batch]
    for attempt in range(_ATTEMPTS):
        answer = client.batch_write_item(RequestItems={table: waiting})
        waiting = answer.get("UnprocessedItems", {}).get(table, [])
        if not waiting:
            return len(batch)
        time.sleep(min(0.02 * 2**attempt, 2.0))
    raise SeedingFailed(f"the source left {len(waiting)} items unwritten after {_ATTEMPTS} attempts")
