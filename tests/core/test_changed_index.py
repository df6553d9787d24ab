"""The index of changed keys: where a watermark stands, and that a reader looks there."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.changed_index import BUCKET_SECONDS, MOST_SHARDS, partition_of, partitions, shards_for
from ddb_migration.core.item_key import watermark_id

moments = st.floats(1.6e9, 2.0e9)
rows = st.text(max_size=20).map(lambda text: watermark_id("arn:stream", {"pk": {"S": text}}))


@given(row=rows, since=moments, span=st.floats(0, 3600), share=st.floats(0, 1), shards=st.integers(1, MOST_SHARDS))
def test_whoever_reads_a_span_of_time_meets_every_watermark_of_it(
    row: str, since: float, span: float, share: float, shards: int
) -> None:
    at = min(since + share * span, since + span)
    assert partition_of(row, at, shards) in partitions(since, since + span, shards)


@given(row=rows, at=moments, later=st.floats(0, 86400), shards=st.integers(1, MOST_SHARDS))
def test_a_row_moves_to_a_partition_that_is_read_later_or_stays(row: str, at: float, later: float, shards: int) -> None:
    order = partitions(at, at + later, shards)
    assert order.index(partition_of(row, at, shards)) <= order.index(partition_of(row, at + later, shards))


@given(row=rows, at=moments, shards=st.integers(1, MOST_SHARDS))
def test_a_row_written_before_shards_were_chosen_is_found(row: str, at: float, shards: int) -> None:
    assert partition_of(row, at, 1) in partitions(at, at, shards)


def test_five_minutes_share_a_bucket() -> None:
    row = watermark_id("arn:stream", {"pk": {"S": "a"}})
    start = 6_000_000 * BUCKET_SECONDS
    assert partition_of(row, start, 8) == partition_of(row, start + 299.999, 8)
    assert partition_of(row, start, 8) != partition_of(row, start + 300, 8)
    assert len(partitions(start, start + 300, 8)) == 16


@pytest.mark.parametrize(("concurrency", "shards"), [(2, 1), (10, 5), (50, 25), (100, 50), (1000, 64)])
def test_shards_follow_the_writers(concurrency: int, shards: int) -> None:
    assert shards_for(concurrency) == shards


@given(concurrency=st.integers(2, 128))
def test_no_shard_takes_more_than_a_partition_can(concurrency: int) -> None:
    """250 changes a second from each function, two index writes each: 1,000 a second is what a partition takes."""
    assert 500 * concurrency / shards_for(concurrency) <= 1000


def test_keys_are_spread_over_the_shards_evenly() -> None:
    ids = (watermark_id("arn:stream", {"pk": {"S": f"order-{number}"}}) for number in range(64_000))
    counts = Counter(partition_of(row, 0.0, 64) for row in ids)
    assert len(counts) == 64
    assert max(counts.values()) < 1000 + 6 * math.sqrt(1000)
