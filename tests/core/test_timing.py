"""Back-off, polling, pace and deadlines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.backoff import CAP_SECONDS, backoff_seconds
from ddb_migration.core.deadline import RESERVE_SECONDS, Deadline, OutOfTime
from ddb_migration.core.polling import wait_seconds
from tests.fakes.clock import Clock

TWO_WEEKS = 14 * 24 * 3600


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_backing_off_stays_within_its_cap(attempt: int, draw: float) -> None:
    assert 0 <= backoff_seconds(attempt, draw) <= CAP_SECONDS
    assert 0 <= backoff_seconds(attempt) <= CAP_SECONDS
    assert backoff_seconds(attempt, draw) <= backoff_seconds(attempt + 1, draw)


def test_backing_off_grows_by_two() -> None:
    assert [backoff_seconds(attempt, 0.5) for attempt in range(3)] == [0.025, 0.05, 0.1]


@given(st.integers(0, 10**9))
def test_polls_grow_from_fifteen_seconds_to_ten_minutes(polls: int) -> None:
    assert 15 <= wait_seconds(polls) <= wait_seconds(polls + 1) <= 600


def test_two_weeks_of_polls_fit_in_an_execution() -> None:
    waited = polls = 0
    while waited < TWO_WEEKS:
        waited, polls = waited + wait_seconds(polls), polls + 1
    assert polls * 9 < 25_000


def test_writes_end_ten_seconds_before_the_invocation() -> None:
    clock = Clock()
    deadline = Deadline.of(30, clock)
    clock.sleep(30 - RESERVE_SECONDS - 0.001)
    deadline.require()
    clock.sleep(0.001)
    with pytest.raises(OutOfTime):
        deadline.require()
