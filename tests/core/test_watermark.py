from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.watermark import DIGITS, is_applied, mark, mark_above
from tests.core.strategies import sequence_numbers


@given(sequence_numbers, sequence_numbers)
def test_text_order_is_the_order_of_the_numbers(one: str, other: str) -> None:
    assert (mark(one) < mark(other)) == (int(one) < int(other))
    assert (mark(one) == mark(other)) == (int(one) == int(other))


@given(sequence_numbers, st.integers(min_value=1, max_value=10**39))
def test_just_above_a_change_is_below_every_later_one(number: str, step: int) -> None:
    assert mark(number) < mark_above(number)
    if int(number) + step < 10**DIGITS:
        assert mark_above(number) < mark(str(int(number) + step))


@given(sequence_numbers, sequence_numbers)
def test_two_rereads_stand_in_the_order_of_their_changes(one: str, other: str) -> None:
    assert (mark_above(one) < mark_above(other)) == (int(one) < int(other))


@given(sequence_numbers, sequence_numbers)
def test_what_is_applied(stands: str, number: str) -> None:
    assert is_applied(mark(stands), number) == (int(number) <= int(stands))
    assert is_applied(mark_above(stands), number) == (int(number) <= int(stands))
    assert not is_applied(None, number)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "1e3", " 1", "１２", "٣", "9" * 41, "+1"])
def test_what_is_no_sequence_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a sequence number"):
        mark(text)
