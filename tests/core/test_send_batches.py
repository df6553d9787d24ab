from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.message import MESSAGE_LIMIT_BYTES
from ddb_migration.core.send_batches import ENTRIES, Entry, send_batches

_sizes = st.one_of(st.integers(1, 2000), st.integers(90_000, 120_000), st.just(MESSAGE_LIMIT_BYTES))
_entries = st.lists(st.tuples(st.sampled_from("abcdefghijklmnop"), _sizes), max_size=60).map(
    lambda rows: [Entry(str(number), group, str(number), "x" * size) for number, (group, size) in enumerate(rows)]
)


@given(_entries)
def test_nothing_is_lost_and_the_order_stays(entries: list[Entry]) -> None:
    assert [entry for batch in send_batches(entries) for entry in batch] == entries


@given(_entries)
def test_every_batch_is_one_that_sqs_takes(entries: list[Entry]) -> None:
    for batch in send_batches(entries):
        assert 1 <= len(batch) <= ENTRIES == 10
        assert sum(len(entry.body) for entry in batch) <= MESSAGE_LIMIT_BYTES == 1024 * 1024


def test_ten_entries_are_the_most() -> None:
    entries = [Entry(str(number), f"group-{number}", str(number), "body") for number in range(25)]
    assert [len(batch) for batch in send_batches(entries)] == [10, 10, 5]


@given(_entries)
def test_no_batch_holds_two_entries_of_one_group(entries: list[Entry]) -> None:
    for batch in send_batches(entries):
        assert len({entry.group for entry in batch}) == len(batch)


@given(_entries)
def test_no_batch_is_cut_before_it_must_be(entries: list[Entry]) -> None:
    batches = list(send_batches(entries))
    for batch, following in zip(batches, batches[1:], strict=False):
        more = [*batch, following[0]]
        assert (
            len(more) > ENTRIES
            or sum(len(entry.body) for entry in more) > MESSAGE_LIMIT_BYTES
            or len({entry.group for entry in more}) < len(more)
        )
