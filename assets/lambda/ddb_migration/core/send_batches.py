"""How messages are cut into SendMessageBatch calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ddb_migration.core.message import MESSAGE_LIMIT_BYTES

# SQS API, SendMessageBatch: at most ten entries.
ENTRIES = 10


@dataclass(frozen=True)
class Entry:
    """One message to send: its body, group, deduplication id, and the number of the change it carries."""

    number: str
    group: str
    deduplication_id: str
    body: str


def send_batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield batches in order: at most ten entries, at most 1 MiB, never two entries of one group.

    A SendMessageBatch may fail for one entry and succeed for a later one; were both of one group, the later
    would overtake the earlier.
    """
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and not _fits(batch, size, entry):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += len(entry.body)
    if batch:
        yield batch


def _fits(batch: list[Entry], size: int, entry: Entry) -> bool:
    return (
        len(batch) < ENTRIES
        and size + len(entry.body) <= MESSAGE_LIMIT_BYTES
        and all(entry.group != other.group for other in batch)
    )
