from __future__ import annotations

from typing import Any

import pytest

from ddb_migration.core.lag import LOW_SECONDS, REPORT_SECONDS, Readings, Report, is_low, lag_seconds

NOW = 1000.0


def lag(**changed: Any) -> float | None:
    readings = {"queued": 0, "captures": (), "applies": (), "capture_works": True, "apply_works": True, **changed}
    return lag_seconds(Readings(**readings), NOW)


def reports(*ages: float, at: float = NOW) -> tuple[Report, ...]:
    return tuple(Report(age, at) for age in ages)


def test_nothing_queued_and_nothing_seen_is_no_lag() -> None:
    assert lag() == 0.0


@pytest.mark.parametrize("broken", ["capture_works", "apply_works"])
def test_lag_is_unknown_where_a_mapping_does_not_work(broken: str) -> None:
    assert lag(**{broken: False}) is None


def test_lag_is_unknown_while_nobody_tells_of_a_queue_that_holds_messages() -> None:
    assert lag(queued=1) is None
    assert lag(queued=1, applies=reports(3.0, at=NOW - REPORT_SECONDS - 1)) is None
    assert lag(queued=1, applies=reports(3.0, at=NOW - REPORT_SECONDS)) == 3.0


def test_lag_is_the_larger_of_both_and_the_oldest_of_each() -> None:
    assert lag(queued=5, captures=reports(1.0, 7.0), applies=reports(2.0, 40.0)) == 40.0
    assert lag(queued=5, captures=reports(50.0, 7.0), applies=reports(2.0)) == 50.0


def test_old_applies_say_nothing_of_an_empty_queue() -> None:
    assert lag(captures=reports(4.0), applies=reports(900.0)) == 4.0


def test_low_is_known_and_under_thirty_seconds() -> None:
    assert LOW_SECONDS == 30.0
    assert is_low(29.9)
    assert not is_low(30.0)
    assert not is_low(None)
