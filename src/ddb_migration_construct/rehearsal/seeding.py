"""Filling the source before the migration starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from ddb_migration_construct.rehearsal.items import Item, Items

# BatchWriteItem takes at most 25 items (API Reference, BatchWriteItem).
BATCH_ITEMS = 25
_THREADS = 4
_ATTEMPTS = 12
# So many were written within the last day: their changes are in the stream, and are replayed. All others are older
# than a stream remembers, as most items of a large table are.
RECENT_ITEMS = 1000


class SeedingFailed(Exception):
    """The source did not take the rehearsal's items."""


def seed(
    client: Any,
    table: str,
    items: Items,
    count: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Write the items of index 0 to `count` - 1 into the table; the last thousand of them are in its stream.

    Raises SeedingFailed when a batch is still not whole after several attempts.
    """
    old = max(0, count - RECENT_ITEMS)
    if old:
        with _stream_off(client, table):
            _seed(client, table, items, range(old), on_progress)
    _seed(client, table, items, range(old, count), on_progress)


@contextmanager
def _stream_off(client: Any, table: str) -> Iterator[None]:
    """Switch the table's stream off, and afterwards on again as it was: that is a new stream, which begins empty."""
    given = client.describe_table(TableName=table)["Table"].get("StreamSpecification", {"StreamEnabled": False})
    if not given["StreamEnabled"]:
        yield
        return
    client.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    yield
    client.update_table(TableName=table, StreamSpecification=given)


def _seed(client: Any, table: str, items: Items, indexes: range, on_progress: Callable[[int], None]) -> None:
    """Write items, several batches at once."""
    starts = range(indexes.start, indexes.stop, BATCH_ITEMS)
    batches = (
        [items.item(index) for index in range(first, min(first + BATCH_ITEMS, indexes.stop))] for first in starts
    )
    with ThreadPoolExecutor(_THREADS) as pool:
        written = indexes.start
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
