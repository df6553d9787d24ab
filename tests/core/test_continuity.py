from __future__ import annotations

from typing import Any

import pytest

from ddb_migration.core.continuity import CAPTURE_LEG, Judgement, Sight, apply_leg, judge, near_expiry

NOW = 1_790_000_000.0
HOUR = 3600.0


def sight(**seen: Any) -> Sight:
    """A look at a mapping that works, untouched for a week, with nothing waiting."""
    known: dict[str, Any] = {"until": NOW - HOUR, "works": True, "changed_at": NOW - 168 * HOUR}
    return Sight(**{**known, "backlog": 0.0, "now": NOW, **seen})


def test_a_leg_that_works_moves_on_by_what_waits() -> None:
    assert judge(CAPTURE_LEG, sight()) == Judgement(NOW)
    assert judge(CAPTURE_LEG, sight(backlog=40.0)) == Judgement(NOW - 40)
    assert judge(CAPTURE_LEG, sight(backlog=None)) == Judgement()
    assert judge(CAPTURE_LEG, sight(works=False)) == Judgement()


@pytest.mark.parametrize("days", [1, 13, 300])
def test_silence_alone_is_no_gap(days: int) -> None:
    seen = sight(until=NOW - days * 24 * HOUR, changed_at=NOW - days * 24 * HOUR)
    assert judge(CAPTURE_LEG, seen) == Judgement(NOW)


@pytest.mark.parametrize("touched", [0.0, 5 * HOUR])
def test_what_was_touched_stood_still_until_then(touched: float) -> None:
    until = NOW - touched - 23 * HOUR
    gap = judge(CAPTURE_LEG, sight(until=until, changed_at=NOW - touched))
    assert "23.0 hours, and the stream keeps a change for 24" in str(gap.incomplete)
    assert judge(CAPTURE_LEG, sight(until=until + 1, changed_at=NOW - touched)).incomplete is None


def test_what_does_not_work_stands_still_until_now() -> None:
    assert judge(CAPTURE_LEG, sight(until=NOW - 23 * HOUR, works=False)).incomplete
    assert judge(CAPTURE_LEG, sight(until=NOW - 22 * HOUR, works=False)).incomplete is None


def test_apply_is_held_to_the_retention() -> None:
    leg = apply_leg(96 * HOUR)
    seen = {"until": NOW - 95 * HOUR, "changed_at": NOW}
    assert "the change queue keeps a change for 96" in str(judge(leg, sight(**seen)).incomplete)
    assert judge(leg, sight(**{**seen, "until": NOW - 94 * HOUR})).incomplete is None


def test_a_change_within_an_hour_of_its_expiry() -> None:
    assert near_expiry(CAPTURE_LEG, 23 * HOUR - 1, NOW) is None
    assert "met a change 23.0 hours old" in str(near_expiry(CAPTURE_LEG, 23 * HOUR, NOW))
