from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.attribute_values import with_base64
from ddb_migration.core.canonical import (
    NotAnAttributeValue,
    canonical_text,
    canonical_value,
    differing_attributes,
    digest,
    digest_of_text,
)
from ddb_migration.core.item_text import parsed
from ddb_migration_construct.rehearsal.canonical import canonical as judged
from tests import strategies

shapes = strategies.key_shapes()
items = st.dictionaries(strategies.attribute_names, strategies.values, max_size=4)


def _b64(item: dict[str, Any]) -> dict[str, Any]:
    return with_base64(item)


def _shuffled(value: Any, draw: random.Random) -> Any:
    """The same item, with another order wherever DynamoDB has none."""
    if isinstance(value, dict):
        members = list(value.items())
        draw.shuffle(members)
        return {
            name: draw.sample(content, len(content))
            if name in ("SS", "NS", "BS") and isinstance(content, list)
            else _shuffled(content, draw)
            for name, content in members
        }
    return [_shuffled(member, draw) for member in value] if isinstance(value, list) else value


@given(items, items)
def test_two_items_have_one_text_exactly_when_the_judge_calls_them_equal(one: Any, other: Any) -> None:
    same = canonical_text(_b64(one)) == canonical_text(_b64(other))
    assert same == (judged(one) == judged(other))
    assert (digest(_b64(one)) == digest(_b64(other))) == same
    assert (not differing_attributes(_b64(one), _b64(other))) == same


@given(items, st.randoms(use_true_random=False))
def test_order_of_sets_and_maps_is_none(item: Any, draw: random.Random) -> None:
    other = _shuffled(item, draw)
    assert canonical_text(_b64(item)) == canonical_text(_b64(other))
    assert differing_attributes(_b64(item), _b64(other)) == ()


@given(items)
def test_the_canonical_text_is_a_spelling_of_the_item_itself(item: Any) -> None:
    again = parsed(canonical_text(_b64(item)))
    assert canonical_text(again) == canonical_text(_b64(item))
    assert not differing_attributes(again, _b64(item))


def _written(item: dict[str, Any]) -> bytes:
    return json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")[1:-1]


@given(items, items)
def test_equal_digests_of_texts_mean_equal_items(one: Any, other: Any) -> None:
    if digest_of_text(_written(_b64(one))) == digest_of_text(_written(_b64(other))):
        assert canonical_text(_b64(one)) == canonical_text(_b64(other))


ITEM: dict[str, Any] = {
    "pk": {"S": "a"},
    "n": {"N": "1"},
    "yes": {"BOOL": True},
    "set": {"SS": ["a", "b"]},
    "bytes": {"B": base64.b64encode(b"\x00\x01").decode()},
    "map": {"M": {"deep": {"L": [{"N": "1"}, {"S": "x"}]}, "none": {"NULL": True}}},
}


def _put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(item: dict[str, Any]) -> None:
        *steps, last = path.split("/")
        place: Any = item
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[int(last) if isinstance(place, list) else last] = value

    return change


@pytest.mark.parametrize(
    ("change", "attributes"),
    [
        (_put("n", {"S": "1"}), ("n",)),
        (_put("n", {"N": "2"}), ("n",)),
        (_put("n", {"N": "1.0"}), ()),
        (_put("n", {"N": "1.0000000000000000000000000000000000001"}), ("n",)),
        (_put("set", {"SS": ["b", "a"]}), ()),
        (_put("set", {"L": [{"S": "a"}, {"S": "b"}]}), ("set",)),
        (_put("bytes", {"B": base64.b64encode(b"\x00\x02").decode()}), ("bytes",)),
        (_put("map/M/deep/L/1", {"S": "y"}), ("map",)),
        (_put("map/M/deep/L", [{"S": "x"}, {"N": "1"}]), ("map",)),
        (lambda item: item["map"]["M"].pop("none"), ("map",)),
        (lambda item: item.pop("yes"), ("yes",)),
        (_put("yes", {"N": "1"}), ("yes",)),
        (_put("new", {"NULL": True}), ("new",)),
        (_put("pk", {"S": ""}), ("pk",)),
    ],
)
def test_what_differs_is_named(change: Callable[[dict[str, Any]], None], attributes: tuple[str, ...]) -> None:
    other = copy.deepcopy(ITEM)
    change(other)
    assert differing_attributes(ITEM, other) == differing_attributes(other, ITEM) == attributes
    assert (digest(ITEM) == digest(other)) == (not attributes)


def test_no_item_has_no_digest() -> None:
    assert digest(None) is None


@pytest.mark.parametrize("value", [{}, {"S": "a", "N": "1"}, {"X": "a"}])
def test_what_is_no_attribute_value_is_refused(value: Any) -> None:
    with pytest.raises(NotAnAttributeValue):
        canonical_value(value)
