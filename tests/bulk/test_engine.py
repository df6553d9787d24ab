"""The engine loses nothing, repeats only what it must, and keeps to its limits."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddb_migration.aws.bulk_books import Saved
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.mixing import BATCH_ITEMS
from tests.bulk.world import RECORD, Stopped, Table, Task, keys_of, refusal, units_of

counts = st.lists(st.integers(0, 120), min_size=1, max_size=8)
shares = st.sampled_from([0.0, 0.1, 0.4])


def a_table(seed: int, keys: set[str], bad: int = 0, unprocessed: float = 0.0, failures: float = 0.0) -> Table:
    draws = random.Random(seed)
    chosen = frozenset(draws.sample(sorted(keys), min(bad, len(keys))))
    return Table(draws, chosen, unprocessed, failures)


@settings(max_examples=60)
@given(counts, st.integers(1, 60), st.integers(1, 6), st.integers(0, 9), shares, shares, st.integers(0, 999))
def test_every_item_is_written_or_parked(
    sizes: list[int], page: int, cursors: int, bad: int, unprocessed: float, failures: float, seed: int
) -> None:
    units = units_of(sizes)
    table = a_table(seed, keys_of(units), bad, unprocessed, failures)
    task = Task(units, table, page)
    totals = task.run(cursors).totals
    assert table.parked == table.bad
    assert set(table.written) == keys_of(units) - table.bad
    assert (totals.items_read, totals.items_rejected) == (len(keys_of(units)), len(table.bad))
    assert totals.items_written == len(keys_of(units)) - len(table.bad)
    assert all(saved.done for saved in task.saved.values())
    assert sum(saved.items_read for saved in task.saved.values()) == len(keys_of(units))


@settings(max_examples=60)
@given(counts, st.integers(1, 30), st.integers(1, 4), st.integers(0, 30), shares, st.integers(0, 999))
def test_a_task_that_dies_goes_on_from_its_checkpoints(
    sizes: list[int], page: int, cursors: int, requests: int, unprocessed: float, seed: int
) -> None:
    units = units_of(sizes)
    table = a_table(seed, keys_of(units), 2, unprocessed)
    task = Task(units, table, page)
    table.requests_left = requests
    try:
        task.run(cursors)
    except Stopped:
        table.requests_left = 10**9
        done = {unit for unit, saved in task.saved.items() if saved.done}
        skipped = task.run(cursors).totals.units_skipped
        assert skipped == len(done)
        assert not done.intersection(unit for unit, _ in task.reads)
    assert set(table.written) == keys_of(units) - table.bad
    assert table.parked == table.bad


def test_batches_are_full_as_long_as_there_are_items() -> None:
    units = units_of([500] * 16)
    table = a_table(1, keys_of(units))
    Task(units, table).run(16)
    assert sum(size == BATCH_ITEMS for size in table.sizes) >= len(table.sizes) - 2


def test_items_of_all_cursors_are_mixed() -> None:
    units = units_of([500] * 16)
    seen: list[set[str]] = []

    class Seeing(Table):
        def put(self, items):  # type: ignore[no-untyped-def]  # as its parent's
            told = super().put(items)
            seen.append({key.split("-")[0] for key in list(self.written)[-len(items) :]})
            return told

    task = Task(units, Seeing(random.Random(1)))
    # At a lower rate the pages come one by one, and each is written before the next is there.
    task.record = lambda: dataclasses.replace(RECORD, max_read_units_per_second=10**9)
    task.run(16)
    window = seen[100:108]
    # The first pages come one after the other, as nobody knows yet what one costs, and are written sooner.
    assert len(set.union(*window)) >= 14
    assert all(len(units_seen) >= 2 for units_seen in window)


def test_an_error_about_the_table_ends_the_task_and_keeps_what_was_done() -> None:
    class Denying(Table):
        def put(self, items):  # type: ignore[no-untyped-def]  # as its parent's
            if len(self.sizes) == 40:
                raise refusal("AccessDeniedException")
            return super().put(items)

    units = units_of([1000] * 4)
    task = Task(units, Denying(random.Random(1)), page=50)
    with pytest.raises(Exception, match="AccessDenied"):
        task.run()
    assert 0 < sum(saved.items_read for saved in task.saved.values()) < 4000


def test_no_request_follows_the_barrier() -> None:
    units = units_of([5000] * 4)
    table = a_table(1, keys_of(units))
    task = Task(units, table, page=100)
    barrier: list[float] = []

    def record():  # type: ignore[no-untyped-def]
        if task.clock() - began < 1.5:
            return dataclasses.replace(RECORD, max_write_units_per_second=1000)
        barrier.append(task.clock())
        return dataclasses.replace(RECORD, apply_started=1)

    began = task.clock()
    task.record = record
    with pytest.raises(MigrationStopped, match="no bulk write may follow"):
        task.run()
    assert 1000 < sum(table.sizes) < 3500
    assert task.clock() - barrier[0] < 0.1
    assert sum(saved.items_read for saved in task.saved.values()) > 0


@pytest.mark.parametrize("tasks", [1, 4])
def test_reads_keep_to_their_rate_over_a_minute(tasks: int) -> None:
    """Each item costs one unit; the rate is the job's, and tasks share it."""
    units = units_of([500 * 70 // 4 // tasks] * 4)
    table = a_table(1, keys_of(units))
    task = Task(units, table, page=60)
    task.record = lambda: dataclasses.replace(RECORD, max_read_units_per_second=500)
    began = task.clock()
    task.run(4, tasks)
    seconds = task.clock() - began
    assert seconds > 60
    assert len(keys_of(units)) / seconds * tasks == pytest.approx(500, rel=0.05)


def test_writes_keep_to_their_rate_over_a_minute() -> None:
    units = units_of([500 * 16] * 4)
    task = Task(units, a_table(1, keys_of(units)))
    task.record = lambda: dataclasses.replace(RECORD, max_write_units_per_second=500)
    began = task.clock()
    task.run()
    seconds = task.clock() - began
    assert seconds > 60
    assert 32_000 / seconds == pytest.approx(500, rel=0.05)


def test_throttling_that_does_not_depend_on_the_rate_does_not_bring_it_down() -> None:
    """A tenth of the items is left whatever is offered; an offer that only followed what is taken would sink."""
    units = units_of([4000] * 16)
    task = Task(units, a_table(1, keys_of(units), unprocessed=0.1))
    began = task.clock()
    task.run(16)
    assert 64_000 / (task.clock() - began) > 1500


def test_a_new_rate_and_a_pause_are_obeyed_within_two_seconds() -> None:
    units = units_of([20_000])
    table = a_table(1, keys_of(units))
    task = Task(units, table)
    began = task.clock()
    marks: dict[int, int] = {}

    def record():  # type: ignore[no-untyped-def]
        second = int(task.clock() - began)
        marks[second] = sum(table.sizes)
        if second < 10:
            return dataclasses.replace(RECORD, max_write_units_per_second=200)
        return dataclasses.replace(RECORD, max_write_units_per_second=2000, paused=second < 20)

    task.record = record
    task.run(1)
    assert marks[10] == pytest.approx(2000, rel=0.15)
    assert marks[19] == marks[13]
    assert marks[27] - marks[23] == pytest.approx(8000, rel=0.15)


def test_progress_is_told_every_few_seconds_with_the_reasons_for_throttling() -> None:
    class Throttling(Table):
        def put(self, items):  # type: ignore[no-untyped-def]  # as its parent's
            if len(self.sizes) % 3 == 0:
                self.sizes.append(0)
                error = refusal("ThrottlingException")
                error.response["ThrottlingReasons"] = [{"reason": "TableWriteMaxOnDemandThroughputExceeded"}]
                raise error
            return super().put(items)

    units = units_of([4000] * 4)
    task = Task(units, Throttling(random.Random(1)))
    task.record = lambda: dataclasses.replace(RECORD, max_write_units_per_second=1000)
    began = task.clock()
    task.run()
    assert len(task.told) >= (task.clock() - began) / 8
    assert "TableWriteMaxOnDemandThroughputExceeded" in task.told[0]
    assert "16000 items" in task.told[-1]
    assert "4 of 4 units (0 done before)" in task.told[-1]


def test_a_unit_without_items_is_done() -> None:
    task = Task(units_of([0, 0]), a_table(1, set()))
    task.run(2)
    assert list(task.saved.values()) == [Saved(True), Saved(True)]


def test_no_units_at_all() -> None:
    assert Task({}, a_table(1, set())).run(1).totals.units == 0
