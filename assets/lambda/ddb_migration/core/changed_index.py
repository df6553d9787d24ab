"""Where a watermark stands in the index of changed keys: by five minutes and shard.

The index is sparse (only watermarks have the attribute) and holds one row a key: the next change of a key moves its
row to the bucket of that moment.
"""

from __future__ import annotations

import functools
import math

BUCKET_SECONDS = 300
# A message costs WriteCdc two calls of 0.9 ms of CPU at the least (measured; decision 0007): 20 ms for the ten messages
# of an invocation and its own two calls, and as long again it waits for DynamoDB, four times one after the other.
_CHANGES_PER_SECOND_AND_FUNCTION = 250
# A changed key costs the index two writes (the old row goes, the new one comes), up to 1 KB each.
_WRITES_PER_CHANGE = 2
# DynamoDB guide, "Partitions": 1,000 write units a second for each, those of an index too; a value of the index's
# partition key lies on one of them, and an index that is throttled holds up the writes of its table.
_WRITES_PER_PARTITION = 1000
# DynamoDB quotas: 40,000 write units for a table, and as many for an index; a higher quota needs half as many again.
MOST_SHARDS = 64


def shards_for(max_apply_concurrency: int) -> int:
    """Return how many shards keep the index from holding up so many WriteCdc at once."""
    writes = max_apply_concurrency * _CHANGES_PER_SECOND_AND_FUNCTION * _WRITES_PER_CHANGE
    return max(1, min(MOST_SHARDS, math.ceil(writes / _WRITES_PER_PARTITION)))


def bucket_of(at: float) -> int:
    """Return the number of the five minutes in which a moment (epoch seconds) lies."""
    return int(at // BUCKET_SECONDS)


def partition_of(row: str, at: float, shards: int) -> str:
    """Return the index partition of a watermark, given the hexadecimal id of its row."""
    return _partition(bucket_of(at), int(row[:8], 16) % shards)


@functools.lru_cache(maxsize=2)
def partitions(since: float, until: float, shards: int) -> tuple[str, ...]:
    """Return every partition that holds watermarks of a span of time, oldest first.

    A row that moves while they are read moves to a later one, never to one that was read before.
    """
    buckets = range(bucket_of(since), bucket_of(until) + 1)
    return tuple(_partition(bucket, shard) for bucket in buckets for shard in range(shards))


def _partition(bucket: int, shard: int) -> str:
    return f"{bucket}#{shard}"
