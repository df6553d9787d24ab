"""The generator of hostile items: the same from the same seed, distinct keys, within DynamoDB's limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration_construct.rehearsal.canonical import canonical
from ddb_migration_construct.rehearsal.hostile_values import TYPES
from ddb_migration_construct.rehearsal.items import LARGE_ITEM_BYTES, HostileItems
from ddb_migration_construct.rehearsal.key_shape import KeyShape

SHAPES = ("s", "n", "b", "sn", "sb", "ss", "ns", "nn", "nb", "bs", "bn", "bb")


def items(seed: int = 1, shape: str = "sn") -> HostileItems:
    return HostileItems(seed, KeyShape.parse(shape))


def members(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a value and all values inside it."""
    yield value
    ((kind, content),) = value.items()
    for member in content if kind == "L" else content.values() if kind == "M" else ():
        yield from members(member)


def levels(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind not in ("L", "M"):
        return 0
    return 1 + max((levels(member) for member in (content if kind == "L" else content.values())), default=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_different_indexes_have_different_keys(shape: str) -> None:
    generated = items(shape=shape)
    assert len({canonical(generated.key(index)) for index in range(5000)}) == 5000


@pytest.mark.parametrize("shape", SHAPES)
def test_keys_are_of_their_shape_and_never_empty(shape: str) -> None:
    generated = items(shape=shape)
    for index in range(200):
        key = generated.key(index)
        assert {name: next(iter(value)) for name, value in key.items()} == generated.key_shape.attributes()
        assert all(next(iter(value.values())) for value in key.values())
        assert generated.item(index).items() >= key.items()


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 100))
def test_the_same_seed_gives_the_same_items(seed: int, index: int, version: int) -> None:
    assert items(seed).item(index, version) == items(seed).item(index, version)


def test_versions_share_the_key_and_differ_otherwise() -> None:
    generated = items()
    assert generated.item(3, 1) != generated.item(3, 2)
    assert generated.item(3, 1).items() >= generated.key(3).items()


def test_two_thousand_items_hold_every_type_at_the_top_and_inside() -> None:
    generated = [items().item(index) for index in range(2000)]
    top = {next(iter(value)) for item in generated for value in item.values()}
    inside = {
        next(iter(member))
        for item in generated
        for value in item.values()
        if next(iter(value)) in ("L", "M")
        for member in list(members(value))[1:]
    }
    assert top == inside == set(TYPES)


def test_some_items_are_deep_and_none_too_deep() -> None:
    depths = [max(map(levels, items().item(index).values())) for index in range(1000)]
    assert 20 <= max(depths) <= 32


def test_some_items_are_large_and_none_too_large() -> None:
    sizes = [_size({"M": items().item(index)}) for index in range(2400)]
    assert sum(size > LARGE_ITEM_BYTES // 2 for size in sizes) == 6
    assert max(sizes) < 400_000


def test_small_rehearsals_hold_no_large_items() -> None:
    assert max(_size({"M": items().item(index)}) for index in range(300)) < 50_000


def test_numbers_are_within_dynamodb_limits_and_sets_have_no_equal_members() -> None:
    for index in range(3000):
        for value in members({"M": items().item(index)}):
            ((kind, content),) = value.items()
            written = [content] if kind == "N" else content if kind == "NS" else []
            assert all(_is_allowed(Decimal(number)) for number in written)
            if kind in ("SS", "NS", "BS"):
                assert len(set(map(_identity, content))) == len(content) > 0
                assert all(content) or kind == "NS"


def _identity(member: Any) -> Any:
    try:
        return Decimal(member)
    except (ArithmeticError, TypeError):
        return member


def _is_allowed(number: Decimal) -> bool:
    digits = number.normalize(Context(prec=200)).as_tuple().digits
    return number.is_zero() or (len(digits) <= 38 and -130 <= number.adjusted() <= 125)


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return sum(len(name.encode()) + _size(member) for name, member in content.items())
    if kind == "B":
        return len(content)
    if kind == "S":
        return len(content.encode())
    return len(json.dumps(content, ensure_ascii=False, default=repr).encode())


@pytest.mark.parametrize("text", ["", "x", "snb", "S", "s n"])
def test_fails_on_an_unknown_key_shape(text: str) -> None:
    with pytest.raises(ValueError, match="key shape .* is unknown"):
        KeyShape.parse(text)


@pytest.mark.parametrize("text", SHAPES)
def test_a_key_shape_is_written_as_it_is_read(text: str) -> None:
    shape = KeyShape.parse(text)
    assert KeyShape.parse(shape.text) == shape
