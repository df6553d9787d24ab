from __future__ import annotations

import pytest

from ddb_migration.core.generations import (
    AGREES,
    DIFFERS,
    EXPIRED,
    MOVES,
    Candidate,
    Look,
    hold_seconds,
    patience_seconds,
    wait_seconds,
)

A, B, C, D = b"a", b"b", b"c", b"d"


def judged(*looks: Look, every: float = 10.0, hold: float | None = 60.0) -> list[str]:
    candidate = Candidate({"pk": {"S": "k"}})
    return [candidate.judge(look, 1000.0 + number * every, hold) for number, look in enumerate(looks)]


@pytest.mark.parametrize("look", [Look(A, A), Look(None, None)])
def test_a_key_that_is_the_same_on_both_sides_agrees(look: Look) -> None:
    assert judged(look) == [AGREES]


@pytest.mark.parametrize("look", [Look(A, B), Look(A, None), Look(None, A)])
def test_a_key_differs_once_neither_side_has_changed_for_long_enough(look: Look) -> None:
    assert judged(*[look] * 8) == [MOVES] * 6 + [DIFFERS] * 2


def test_one_look_never_shows_a_difference() -> None:
    assert judged(Look(A, B), hold=0.0) == [MOVES]
    assert judged(Look(A, B), Look(A, B), hold=0.0) == [MOVES, DIFFERS]


@pytest.mark.parametrize("moving", [Look(C, B), Look(A, C)])
def test_a_change_of_either_side_begins_the_wait_anew(moving: Look) -> None:
    still = [Look(A, B)] * 6
    assert judged(*still, moving, *[moving] * 5) == [MOVES] * 12
    assert judged(*still, moving, *[moving] * 6)[-1] == DIFFERS


def test_nothing_differs_while_the_lag_is_not_known() -> None:
    assert judged(*[Look(A, B)] * 100, hold=None) == [MOVES] * 100


def test_an_expired_item_on_one_side_is_no_difference() -> None:
    assert judged(Look(A, None, is_expired=True)) == [EXPIRED]
    assert judged(Look(None, A, is_expired=True)) == [EXPIRED]
    assert judged(Look(A, B, is_expired=True)) == [MOVES]


def test_a_key_that_never_rests_follows_once_changes_are_applied_and_it_shows_what_the_source_showed() -> None:
    assert judged(Look(A, D, "1"), Look(B, A, "2")) == [MOVES, AGREES]
    assert judged(Look(A, D, None), Look(B, A, "2")) == [MOVES, AGREES]


def test_what_the_source_showed_before_counts_only_when_changes_are_applied() -> None:
    """Else a destination that stands still while the source goes on would pass for one that follows."""
    assert judged(Look(B, A, "1"), Look(A, B, "1"), Look(C, A, "1")) == [MOVES] * 3
    assert judged(Look(A, D, "1"), Look(B, D, "2")) == [MOVES] * 2


def test_a_difference_must_stand_for_twice_the_lag() -> None:
    assert hold_seconds(60.0, 5.0) == 60.0
    assert hold_seconds(60.0, 50.0) == 100.0
    assert hold_seconds(60.0, None) is None


def test_the_first_looks_come_soon_and_the_later_ones_often_enough() -> None:
    waits = [wait_seconds(number, 60.0) for number in range(7)]
    assert waits == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]


def test_patience_grows_with_the_lag_but_not_for_ever() -> None:
    assert patience_seconds(60.0, None) == 600.0
    assert patience_seconds(1.0, 10.0) == 200.0
    assert patience_seconds(60.0, 4000.0) == 1800.0
