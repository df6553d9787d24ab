"""The gate of a roll back, and what it asks of a cut-over that may have to be rolled back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ddb_migration.core.direction import REVERSE
from ddb_migration.core.gate import GateFacts, closed_because, unready_because

OPEN = GateFacts(
    lag_seconds=2.0,
    dead_letters=0,
    parked=0,
    stream_arn="arn:stream/1",
    current_stream_arn="arn:stream/1",
    verdict=None,
    verified_at=100.0,
    direction=REVERSE,
)
GONE: dict[str, Any] = {"current_stream_arn": "arn:stream/2"}


def test_nothing_has_to_be_verified_for_a_roll_back() -> None:
    assert closed_because(OPEN) == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"lag_seconds": None}, "how far the source is behind"),
        ({"lag_seconds": 40.0}, "the source is 40 s behind, and a roll back needs"),
        ({"dead_letters": 1}, "--dead-letters"),
        ({"parked": 2}, "2 keys are parked, because the source rejected them"),
        ({"stuck_keys": 1}, "somebody else may write to the source"),
        (GONE, "stay with the destination"),
        ({"current_stream_arn": None}, "no stream"),
        ({"stream_arn": None, "current_stream_arn": None}, "stream was replaced"),
        ({"incomplete": "a gap", "incomplete_at": 101.0}, r"missing at the source \(a gap\)"),
        ({"incomplete": "a gap", "incomplete_at": 100.0}, "a gap"),
    ],
)
def test_each_fact_alone_closes_it_in_words_of_a_roll_back(changed: dict[str, Any], words: str) -> None:
    (reason,) = closed_because(replace(OPEN, **changed))
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(reason)
    assert "abort" not in reason
    assert "empty the destination" not in reason


def test_a_gap_that_ended_before_the_cut_over_is_no_matter() -> None:
    """The cut-over showed both tables equal; `verified_at` is its moment."""
    assert closed_because(replace(OPEN, incomplete="a gap", incomplete_at=99.0)) == ()


def test_a_cut_over_is_closed_while_there_would_be_no_way_back() -> None:
    assert closed_because(replace(OPEN, no_way_back=("the reason",))) == ("the reason",)


def test_a_path_that_has_settled_and_works_is_ready_however_far_behind() -> None:
    assert unready_because(OPEN, is_settled=True) == ()
    assert unready_because(replace(OPEN, lag_seconds=9000.0), is_settled=True) == ()


@pytest.mark.parametrize(
    ("changed", "is_settled", "words"),
    [({}, False, "has not settled"), ({"lag_seconds": None}, True, "a problem"), (GONE, True, "was replaced")],
)
def test_what_would_leave_no_way_back(changed: dict[str, Any], is_settled: bool, words: str) -> None:
    (reason,) = unready_because(replace(OPEN, **changed), is_settled)
    assert words in reason
    assert "rollback_window" in reason
