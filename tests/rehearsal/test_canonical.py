"""The rehearsal's own idea of equality, by property."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration_construct.rehearsal.canonical import canonical, canonical_value
from ddb_migration_construct.rehearsal.hostile_values import TYPES, value_of

Value = dict[str, Any]


def numbers() -> st.SearchStrategy[str]:
    """Numbers as DynamoDB may write them."""
    return st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str)


def values() -> st.SearchStrategy[Value]:
    """Attribute values of all ten types."""
    scalars: st.SearchStrategy[Value] = st.one_of(
        st.text().map(lambda text: {"S": text}),
        numbers().map(lambda number: {"N": number}),
        st.binary().map(lambda content: {"B": content}),
        st.booleans().map(lambda content: {"BOOL": content}),
        st.just({"NULL": True}),
        st.lists(st.text(min_size=1), min_size=1, unique=True).map(lambda members: {"SS": members}),
        st.lists(numbers(), min_size=1, unique_by=Decimal).map(lambda members: {"NS": members}),
        st.lists(st.binary(min_size=1), min_size=1, unique=True).map(lambda members: {"BS": members}),
    )
    return st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda members: {"L": members}),
            st.dictionaries(st.text(), inner, max_size=3).map(lambda members: {"M": members}),
        ),
        max_leaves=5,
    )


def rewritten(value: Value, rng: Random) -> Value:
    """The same value, written otherwise: members in another order, numbers with zeros and exponents."""
    ((kind, content),) = value.items()
    if kind == "N":
        return {"N": _number(content, rng)}
    if kind in ("SS", "BS"):
        return {kind: rng.sample(content, len(content))}
    if kind == "NS":
        return {"NS": [_number(member, rng) for member in rng.sample(content, len(content))]}
    if kind == "L":
        return {"L": [rewritten(member, rng) for member in content]}
    if kind == "M":
        names = rng.sample(list(content), len(content))
        return {"M": {name: rewritten(content[name], rng) for name in names}}
    return value


def _number(text: str, rng: Random) -> str:
    sign, digits, exponent = Decimal(text).as_tuple()
    zeros = rng.randrange(3)
    return f"{'-' * sign}{''.join(map(str, digits))}{'0' * zeros}E{int(exponent) - zeros}"


@given(st.dictionaries(st.text(min_size=1), values(), max_size=4), st.randoms(use_true_random=False))
def test_an_item_written_otherwise_is_equal(item: dict[str, Value], rng: Random) -> None:
    other = {name: rewritten(item[name], rng) for name in rng.sample(list(item), len(item))}
    assert canonical(item) == canonical(other)
    assert hash(canonical(item)) == hash(canonical(other))


@given(values(), values())
def test_values_of_different_types_are_never_equal(one: Value, other: Value) -> None:
    if one.keys() != other.keys():
        assert canonical_value(one) != canonical_value(other)


@given(st.dictionaries(st.text(min_size=1), values(), min_size=1, max_size=3), st.data())
def test_a_lost_attribute_shows(item: dict[str, Value], data: st.DataObject) -> None:
    lost = data.draw(st.sampled_from(sorted(item)))
    assert canonical(item) != canonical({name: value for name, value in item.items() if name != lost})


@given(st.lists(values(), min_size=2, max_size=4))
def test_the_order_of_a_list_counts(members: list[Value]) -> None:
    forms = [canonical_value(member) for member in members]
    same = forms == forms[::-1]
    assert (canonical_value({"L": members}) == canonical_value({"L": members[::-1]})) is same


@given(st.integers(0, 10**38 - 1), st.integers(-128, 80))
def test_the_last_of_38_digits_counts(digits: int, exponent: int) -> None:
    assert canonical_value({"N": f"{digits}E{exponent}"}) != canonical_value({"N": f"{digits + 1}E{exponent}"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"S": "1"}, {"N": "1"}),
        ({"S": "e\u0301"}, {"S": "\u00e9"}),
        ({"S": "a"}, {"S": "a "}),
        ({"B": b"AAEC"}, {"B": b"\x00\x01\x02"}),
        ({"BOOL": True}, {"NULL": True}),
        ({"SS": ["1"]}, {"NS": ["1"]}),
        ({"SS": ["a"]}, {"L": [{"S": "a"}]}),
        ({"L": []}, {"M": {}}),
        ({"S": ""}, {"NULL": True}),
    ],
)
def test_lookalikes_are_different(one: Value, other: Value) -> None:
    assert canonical_value(one) != canonical_value(other)


def test_zero_has_no_sign() -> None:
    assert canonical_value({"N": "-0"}) == canonical_value({"N": "0.00"})


@pytest.mark.parametrize("value", [{}, {"S": "a", "N": "1"}, {"X": "a"}, {"B": "AAEC"}, {"BS": ["AAEC"]}])
def test_fails_on_what_is_no_attribute_value(value: Value) -> None:
    with pytest.raises(ValueError, match=r"not an attribute value|a binary value came as str"):
        canonical_value(value)


@pytest.mark.parametrize("kind", TYPES)
def test_every_generated_type_has_a_canonical_form(kind: str) -> None:
    for seed in range(50):
        hash(canonical_value(value_of(Random(seed), kind)))
