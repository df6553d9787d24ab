from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.item_key import (
    canonical_key,
    deduplication_id,
    key_of,
    key_of_canonical,
    message_group,
    watermark_id,
)
from tests.core.strategies import items, keys, number_texts, texts

DIGITS_38 = "12345678901234567890123456789012345678"


def _identity(key: dict[str, Any]) -> frozenset[tuple[str, str, Any]]:
    """What makes two keys one key to DynamoDB: names, types, numbers by value, binary by its bytes."""
    return frozenset((name, kind, _content(kind, text)) for name, value in key.items() for kind, text in value.items())


def _content(kind: str, text: str) -> Any:
    if kind == "N":
        return Decimal(text)
    return base64.b64decode(text) if kind == "B" else text


@given(keys, keys)
def test_two_keys_have_one_text_exactly_when_they_are_one_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (canonical_key(one) == canonical_key(other)) == (_identity(one) == _identity(other))
    assert (message_group(one) == message_group(other)) == (_identity(one) == _identity(other))


@given(number_texts, number_texts)
def test_numbers_are_compared_by_value_to_the_last_digit(one: str, other: str) -> None:
    same = canonical_key({"pk": {"N": one}}) == canonical_key({"pk": {"N": other}})
    assert same == (Decimal(one) == Decimal(other))


@given(number_texts, st.integers(min_value=0, max_value=20))
def test_another_spelling_of_a_number_is_the_same_key(text: str, zeros: int) -> None:
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    longer = f"{'-' * sign}{'0' * zeros}{''.join(map(str, digits))}{'0' * zeros}E{exponent - zeros}"
    assert canonical_key({"pk": {"N": text}}) == canonical_key({"pk": {"N": longer}})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"N": "1"}, {"N": "1.0"}, True),
        ({"N": "1"}, {"N": "1E0"}, True),
        ({"N": "100"}, {"N": "1E2"}, True),
        ({"N": "-0"}, {"N": "0"}, True),
        ({"N": "-0.00"}, {"N": "0E5"}, True),
        ({"N": DIGITS_38}, {"N": DIGITS_38[:-1] + "9"}, False),
        ({"N": "0." + DIGITS_38}, {"N": "0." + DIGITS_38[:-1] + "9"}, False),
        ({"N": "1E-130"}, {"N": "1E-129"}, False),
        ({"N": "1"}, {"S": "1"}, False),
        ({"S": "MQ=="}, {"B": "MQ=="}, False),
        ({"S": "1"}, {"S": "1.0"}, False),
        ({"S": "é"}, {"S": "e\u0301"}, False),
    ],
)
def test_types_are_kept_apart_and_only_numbers_have_values(
    one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    assert (canonical_key({"pk": one}) == canonical_key({"pk": other})) is same


def test_the_order_of_a_keys_attributes_says_nothing() -> None:
    assert canonical_key({"a": {"S": "x"}, "b": {"N": "1"}}) == canonical_key({"b": {"N": "1"}, "a": {"S": "x"}})


def test_attributes_do_not_run_into_one_another() -> None:
    assert canonical_key({"a": {"S": "x"}, "b": {"S": "y"}}) != canonical_key({"a": {"S": 'x"],["b","S","y'}})


@given(keys, texts, texts)
def test_ids_are_what_sqs_and_the_control_table_take(key: dict[str, Any], epoch: str, stream: str) -> None:
    identifiers = message_group(key), watermark_id(stream, key), deduplication_id(epoch, stream, "1")
    assert all(len(each) <= 128 and each.isascii() and each.isalnum() for each in identifiers)


def test_watermarks_of_two_streams_and_duplicates_of_two_epochs_are_apart() -> None:
    key = {"pk": {"S": "k"}}
    assert watermark_id("stream-1", key) != watermark_id("stream-2", key)
    assert len({deduplication_id(e, s, n) for e in ("e1", "e2") for s in ("s1", "s2") for n in ("1", "2")}) == 8


@given(keys, items)
def test_the_key_of_an_item_is_its_key(key: dict[str, Any], item: dict[str, Any]) -> None:
    assert key_of({**item, **key}, list(key)) == key


@pytest.mark.parametrize(
    ("given", "written"),
    [("10", "10"), ("1E+1", "10"), ("1.0", "1"), ("0.0000001", "0.0000001"), ("-1E-7", "-0.0000001"), ("0E5", "0")],
)
def test_a_key_that_comes_back_has_its_numbers_written_out(given: str, written: str) -> None:
    assert key_of_canonical(canonical_key({"pk": {"N": given}})) == {"pk": {"N": written}}
