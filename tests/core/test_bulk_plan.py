from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.bulk_plan import (
    CURSORS,
    FEWEST_SEGMENTS,
    FEWEST_TASKS,
    MOST_SEGMENTS,
    SEGMENT_BYTES,
    TASK_DISK_BYTES,
    BulkPlan,
    direct_plan,
    files_at_once,
    gentle_read_units,
    plan_name,
    runs,
    tasks_for,
)
from tests.core.making import table


@given(st.integers(0, 2000), st.integers(1, 100), st.integers(1, 20))
def test_every_unit_is_in_one_run_of_one_task(units: int, tasks: int, cursors: int) -> None:
    dealt = runs(units, tasks, cursors)
    assert sorted(unit for share in dealt for run in share for unit in run) == list(range(units))
    assert len(dealt) == min(units, tasks)
    assert max(map(len, dealt), default=0) <= cursors
    assert all(run == list(range(run[0], run[0] + len(run))) for share in dealt for run in share)


@given(st.integers(1, 50), st.integers(1, 30), st.integers(1, 20))
def test_all_runs_of_all_tasks_begin_evenly_spread(tasks: int, cursors: int, length: int) -> None:
    begins = sorted(run[0] for share in runs(tasks * cursors * length, tasks, cursors) for run in share)
    assert begins == list(range(0, tasks * cursors * length, length))


def test_neighbouring_runs_are_of_different_tasks() -> None:
    assert runs(7, 3, 1) == [[[0, 1]], [[2, 3]], [[4, 5, 6]]]
    assert runs(8, 2, 2) == [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]
    assert runs(4, 4, 16) == [[[0]], [[1]], [[2]], [[3]]]


@given(st.integers(0, 2**50), st.integers(1, 400))
def test_a_direct_plan_gives_each_task_work_within_the_limits_of_scan(size: int, tasks: int) -> None:
    plan = direct_plan(size, tasks)
    assert min(tasks, FEWEST_TASKS) <= plan.tasks <= tasks
    assert plan.tasks <= plan.units <= MOST_SEGMENTS
    assert plan.units >= FEWEST_SEGMENTS
    assert plan.units * SEGMENT_BYTES >= min(size, MOST_SEGMENTS * SEGMENT_BYTES)


def test_a_large_table_is_for_all_cursors_of_all_tasks() -> None:
    assert direct_plan(80 * 2**30, 12) == BulkPlan(units=5120, tasks=12)
    assert direct_plan(2**30, 12) == BulkPlan(units=192, tasks=12)
    assert direct_plan(0, 12) == BulkPlan(units=16, tasks=4)


def test_a_plan_is_known_by_its_segments_or_by_its_export() -> None:
    assert plan_name(BulkPlan(7, 2), None) == "7"
    assert plan_name(BulkPlan(0, 2, "manifest"), "arn:aws:dynamodb:r:1:table/t/export/0169-ab") == "0169-ab"


@given(st.builds(BulkPlan, st.integers(0), st.integers(1), st.none() | st.text()))
def test_a_plan_is_read_as_it_was_written(plan: BulkPlan) -> None:
    assert BulkPlan.from_text(plan.to_text()) == plan


@pytest.mark.parametrize(
    ("worker_type", "workers", "tasks"), [("G.1X", 4, 12), ("G.2X", 2, 8), ("G.1X", 1, 4), ("Z.9X", 3, 8)]
)
def test_one_worker_is_the_driver(worker_type: str, workers: int, tasks: int) -> None:
    assert tasks_for(worker_type, workers) == tasks


def test_reads_are_gentle() -> None:
    assert gentle_read_units(None) == 3000.0
    assert gentle_read_units(table("source")) == 3000.0
    assert gentle_read_units(table("source", provisioned_reads=5)) == 2.5


@pytest.mark.parametrize(("cap", "units"), [(100, 50.0), (1, 0.5), (5999, 2999.5), (6000, 3000.0), (40_000, 3000.0)])
def test_reads_of_a_capped_table_leave_half_of_the_cap(cap: int, units: float) -> None:
    assert gentle_read_units(table("source", most_reads=cap)) == units


GB = 10**9


@pytest.mark.parametrize(
    ("sizes", "files"),
    [
        ([], 1),
        ([10 * GB], 1),
        ([10 * GB] * 40, 1),
        ([2 * GB] * 40, 2),
        ([4 * GB, *[GB // 10] * 40], 14),
        ([GB // 10] * 40, CURSORS),
    ],
    ids=str,
)
def test_no_more_files_are_open_than_the_disk_holds(sizes: list[int], files: int) -> None:
    assert files_at_once(sizes) == files


@given(st.lists(st.integers(0, 12 * GB), max_size=60), st.randoms())
def test_whatever_files_a_task_meets_together_fit_on_its_disk(sizes: list[int], draws: random.Random) -> None:
    met = draws.sample(sizes, min(len(sizes), files_at_once(sizes)))
    assert len(met) <= 1 or sum(met) <= TASK_DISK_BYTES


def test_four_tasks_of_one_file_each_fit_on_the_smallest_worker() -> None:
    """A partition, and so a file, holds 10 GB at most; a G.1X worker has 44 GB free."""
    assert tasks_for("G.1X", 2) * max(TASK_DISK_BYTES, 10 * GB) <= 44 * GB
