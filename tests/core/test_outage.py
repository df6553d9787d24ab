from __future__ import annotations

import pytest

from ddb_migration.core.outage import is_outage, return_seconds

MAX_RECEIVE_COUNT = 1000
# A batch takes up to 20 s in its first ten minutes, and comes back after 5 s at the earliest.
SHORTEST_ROUND = 5.0


@pytest.mark.parametrize(
    ("since", "now", "told"),
    [(None, 9e9, False), (100.0, 699.9, False), (100.0, 700.0, True)],
)
def test_ten_minutes_of_failure_are_an_outage(since: float | None, now: float, told: bool) -> None:
    assert is_outage(since, now) is told
    assert (return_seconds(since, now) is not None) is told


@pytest.mark.parametrize(("lasted", "seconds"), [(600, (500, 600)), (1200, (1000, 1200)), (10**6, (1500, 1800))])
def test_messages_wait_about_as_long_as_the_outage_has_lasted(lasted: float, seconds: tuple[int, int]) -> None:
    assert return_seconds(50.0, 50.0 + lasted) == seconds


def test_no_message_is_given_up_in_an_outage_as_long_as_a_message_can_live() -> None:
    """Every wait is the shortest that may be drawn: still fewer than 1,000 receives in 14 days."""
    now, receives = 0.0, 0
    while now < 14 * 86400:
        receives += 1
        within = return_seconds(0.0, now)
        now += within[0] if within else SHORTEST_ROUND
    assert receives < MAX_RECEIVE_COUNT
