"""How much is offered, and what partitions take of it: the whole scheduler against simulated buckets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.partitions import LEAST_SHARE, MOST_THROTTLED, measure
from ddb_migration.core.allowance import SAVED_SECONDS, Allowance
from ddb_migration.core.flow import MOST_LANES, Flow


@pytest.mark.parametrize(("partitions", "workers"), [(4, 1), (4, 8), (16, 1), (16, 4)])
def test_partitions_are_kept_busy_and_little_is_thrown_at_them(partitions: int, workers: int) -> None:
    cell = measure(partitions, workers)
    assert cell.share >= LEAST_SHARE
    assert cell.throttled < MOST_THROTTLED


@pytest.mark.slow
@pytest.mark.parametrize("partitions", [4, 16, 37, 64])
def test_every_number_of_partitions_and_workers(partitions: int) -> None:
    missed = [cell for workers in (1, 2, 4, 8, 16, 32, 64) if not (cell := measure(partitions, workers)).holds]
    assert not missed


def test_lanes_open_while_all_is_taken_and_no_further_than_they_are_used() -> None:
    flow = Flow()
    for number in range(200):
        flow.answered(25, 0, 0, number / 100)
    assert flow.lanes == MOST_LANES
    idle = Flow()
    idle.answered(25, 0, 2, 0.0)
    assert idle.lanes == Flow().lanes


def test_failures_close_lanes_but_one_stays() -> None:
    flow = Flow()
    for _ in range(9):
        flow.failed()
    assert flow.lanes == 1


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 5)), min_size=1, max_size=30), st.floats(1, 1000))
def test_no_more_is_spent_than_the_rate_allows(steps: list[tuple[float, float]], rate: float) -> None:
    allowance, now, spent, largest = Allowance(rate), 0.0, 0.0, 0.0
    for units, pause in steps:
        now += allowance.wait(now)
        # What was spent before is earned by now, but for the time saved up and the last estimate's error.
        assert spent <= rate * (now + SAVED_SECONDS) + 3 * largest + 1e-6
        reserved = allowance.reserve(now)
        allowance.settle(reserved, units, now + pause)
        spent, largest, now = spent + units, max(largest, units), now + pause


@pytest.mark.parametrize("late", [0.05, 0.3, 0.8])
def test_what_is_lost_by_waking_late_is_made_good(late: float) -> None:
    rate, page, allowance, now, spent = 125.0, 128.0, Allowance(125.0), 0.0, 0.0
    allowance.settle(0.0, page, now)
    while now < 60.0:
        wait = allowance.wait(now)
        # Whoever slept wakes too late.
        now += wait + (late if wait else 0.01)
        allowance.settle(allowance.reserve(now), page, now)
        spent += page
    assert spent / now == pytest.approx(rate, rel=0.05)


def test_first_requests_whose_cost_is_not_known_begin_one_after_the_other() -> None:
    allowance, now, begun = Allowance(250.0), 10.0, 0
    while now < 10.5:
        now += max(0.001, allowance.wait(now))
        allowance.reserve(now)
        begun += 1
    assert begun <= 15


def test_what_is_expected_of_a_request_is_reserved() -> None:
    allowance = Allowance(250.0)
    allowance.settle(allowance.reserve(0.0), 6.0, 0.1)
    assert allowance.reserve(1.0, 128.0) == 128.0
    assert allowance.wait(1.0) == pytest.approx(128 / 250 - 0.1, abs=0.01)


def test_an_idle_hour_is_no_allowance_for_a_burst() -> None:
    allowance, now, spent = Allowance(125.0), 3600.0, 0.0
    allowance.settle(allowance.reserve(0.0), 128.0, 0.0)
    while allowance.wait(now) == 0.0:
        allowance.settle(allowance.reserve(now), 128.0, now)
        spent += 128.0
    assert spent <= 2 * 128.0


def test_without_a_rate_nothing_waits() -> None:
    allowance = Allowance()
    allowance.settle(allowance.reserve(0.0), 1e9, 0.0)
    assert allowance.wait(0.0) == 0.0


def test_a_throttled_request_stays_spent_and_halves_the_rate_which_comes_back_over_minutes() -> None:
    allowance = Allowance(100.0)
    assert allowance.per_second(0.0) == 100.0
    allowance.reserve(0.0, 200.0)
    allowance.throttled(1.0)
    assert allowance.wait(1.0) > 0.8
    # Those that were under way beside it.
    allowance.throttled(1.1)
    assert allowance.per_second(1.0) == 50.0
    assert allowance.per_second(31.0) == 75.0
    assert allowance.per_second(1000.0) == 100.0
    allowance.throttled(61.0)
    assert allowance.per_second(61.0) == 50.0


def test_a_table_that_goes_on_throttling_is_still_asked_now_and_then() -> None:
    allowance = Allowance(100.0)
    for second in range(100):
        allowance.throttled(float(2 * second))
    assert 100 / 64 < (allowance.per_second(198.0) or 0.0) < 10
