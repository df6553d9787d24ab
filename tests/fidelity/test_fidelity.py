"""What leaves each path equals, in canonical DynamoDB JSON, what entered it."""

from __future__ import annotations

import base64
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from ddb_migration.core.attribute_values import with_base64, with_bytes
from ddb_migration_construct.rehearsal.canonical import canonical
from tests.fidelity.paths import World, as_json, replay
from tests.strategies import LEVELS, History, Item, Step, Table, deep_values, histories, tables

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
path_settings = settings(max_examples=60, suppress_health_check=SLOW)
ALL_TYPES: Item = {
    "pk": {"B": b"\x00\xff"},
    "s": {"S": ""},
    "n": {"N": "1" * 38},
    "b": {"B": b""},
    "true": {"BOOL": True},
    "null": {"NULL": True},
    "ss": {"SS": ["", "b"]},
    "ns": {"NS": ["9" * 38, "1E-130"]},
    "bs": {"BS": [b"", b"\xff"]},
    "l": {"L": [{"B": b"\x01"}, {"L": []}, {"M": {}}]},
    "m": {"M": {"M": {"M": {"B": {"B": b"\x02"}}}}},
}
WORST = Table((("pk", "B"),), (ALL_TYPES,))
WORST_HISTORY = History(WORST.shape, (Step({"pk": ALL_TYPES["pk"]}, ALL_TYPES, "1" * 21),))


@path_settings
@given(histories(), st.integers(1, 8))
@example(WORST_HISTORY, 1)
def test_stream_to_queue_to_destination(history: History, batch: int) -> None:
    replay(history, batch).require_equal()


@path_settings
@given(histories(), st.integers(1, 8))
@example(WORST_HISTORY, 1)
def test_keys_of_a_stream_to_queue_to_reread_to_destination(history: History, batch: int) -> None:
    replay(history, batch, "KEYS_ONLY").require_equal()


@path_settings
@given(tables())
@example(WORST)
def test_scan_to_destination(table: Table) -> None:
    world = World(table.shape)
    world.put(*table.items)
    world.scan()
    world.require_equal()


@path_settings
@given(tables())
@example(WORST)
def test_export_line_to_destination(table: Table) -> None:
    world = World(table.shape)
    world.put(*table.items)
    world.export()
    world.require_equal()


@path_settings
@given(tables())
@example(WORST)
def test_reread_to_destination(table: Table) -> None:
    world = World(table.shape)
    world.put(*table.items)
    world.reread(*({name: item[name] for name, _ in table.shape} for item in table.items))
    world.apply()
    world.require_equal()


@path_settings
@given(tables())
def test_a_reread_of_what_is_gone_deletes_under_the_very_same_key(table: Table) -> None:
    world = World(table.shape)
    for item in table.items:
        world.dynamodb.put_item(TableName="destination", Item=item)
    world.reread(*({name: item[name] for name, _ in table.shape} for item in table.items))
    world.apply()
    assert not world.contents("destination")


@path_settings
@given(tables(), st.sampled_from((150_000, 250_000)), st.sampled_from(("ж", "\x01", '"', "\U0001f600")))
def test_large_images_travel_whole_whatever_they_consist_of(table: Table, size: int, letter: str) -> None:
    key = {name: table.items[0][name] for name, _ in table.shape}
    assume("filling" not in key)
    filling = letter * (size // len(letter.encode()))
    image = {**table.items[0], "filling": {"S": filling}}
    replay(History(table.shape, (Step(key, image, "3" * 30),)), 1).require_equal()


@given(deep_values())
def test_thirty_two_levels(value: dict[str, Any]) -> None:
    depth, inner = 0, value
    while next(iter(inner)) in ("L", "M"):
        content = next(iter(inner.values()))
        inner, depth = (content[0] if isinstance(content, list) else next(iter(content.values()))), depth + 1
    assert depth == LEVELS
    assert canonical(with_bytes(as_json({"v": value}))) == canonical({"v": value})
    assert with_base64({"v": value}) == as_json({"v": value})


@pytest.mark.parametrize("careless", ["with_bytes", "with_base64"])
def test_binary_that_is_decoded_or_encoded_elsewhere_than_once_is_seen(careless: str) -> None:
    def check() -> None:
        for view in ("NEW_IMAGE", "KEYS_ONLY"):
            replay(WORST_HISTORY, 1, view).require_equal()

    check()
    with patch(f"ddb_migration.aws.tables.{careless}", lambda item: item), pytest.raises((AssertionError, TypeError)):
        check()


# What careless carriers do to an item on its way: the equality above sees each of them.


def _number_as_float(item: Item) -> Item:
    return {name: {"N": str(float(value["N"]))} if "N" in value else value for name, value in item.items()}


def _set_as_list(item: Item) -> Item:
    return {**item, "ss": {"L": [{"S": member} for member in item["ss"]["SS"]]}}


def _binary_encoded_twice(item: Item) -> Item:
    return {**item, "bs": {"BS": [base64.b64encode(member) for member in item["bs"]["BS"]]}}


def _without_empty_values(item: Item) -> Item:
    return {name: value for name, value in item.items() if next(iter(value.values())) not in ("", b"")}


@pytest.mark.parametrize("careless", [_number_as_float, _set_as_list, _binary_encoded_twice, _without_empty_values])
def test_a_value_that_was_altered_on_the_way_is_seen(careless: Any) -> None:
    world = World(WORST.shape)
    record = world.happen(WORST_HISTORY.steps[0])
    record["dynamodb"]["NewImage"] = as_json(careless(ALL_TYPES))
    world.capture([record])
    world.apply()
    with pytest.raises(AssertionError):
        world.require_equal()
