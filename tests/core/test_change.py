from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.change import DELETE, PUT, REREAD, Change, newest_per_key
from ddb_migration.core.item_key import canonical_key
from tests.core.strategies import stream_numbers

KEY = {"pk": {"S": "k"}}
IMAGE = {**KEY, "v": {"N": "1"}}


def record(event: str, view: str = "NEW_IMAGE", **body: Any) -> dict[str, Any]:
    return {
        "eventName": event,
        "dynamodb": {
            "Keys": KEY,
            "SequenceNumber": "1" * 21,
            "StreamViewType": view,
            "ApproximateCreationDateTime": 1_790_000_000.0,
            **body,
        },
    }


@pytest.mark.parametrize("event", ["INSERT", "MODIFY"])
@pytest.mark.parametrize("view", ["NEW_IMAGE", "NEW_AND_OLD_IMAGES"])
def test_a_new_image_is_put(event: str, view: str) -> None:
    change = Change.from_record(record(event, view, NewImage=IMAGE, OldImage=KEY))
    assert change == Change("1" * 21, PUT, KEY, IMAGE, 1_790_000_000.0)


def test_a_removal_deletes_whoever_removed_it() -> None:
    expired = {**record("REMOVE", "NEW_AND_OLD_IMAGES", OldImage=IMAGE), "userIdentity": {"type": "Service"}}
    assert Change.from_record(expired) == Change("1" * 21, DELETE, KEY, None, 1_790_000_000.0)


@pytest.mark.parametrize("event", ["INSERT", "MODIFY", "REMOVE"])
def test_a_stream_of_keys_only_makes_rereads(event: str) -> None:
    assert Change.from_record(record(event, "KEYS_ONLY")).kind == REREAD


def test_a_change_without_its_image_is_a_reread() -> None:
    assert Change.from_record(record("MODIFY")).kind == REREAD


def test_an_empty_image_is_an_image() -> None:
    assert Change.from_record(record("INSERT", NewImage={})).kind == PUT


_few_keys = st.sampled_from(({"N": "1"}, {"N": "1.0"}, {"N": "2"}, {"S": "1"}, {"B": "MQ=="}))
_changes = st.lists(
    st.builds(lambda value, number: Change(number, DELETE, {"pk": value}, None, 0.0), _few_keys, stream_numbers),
    unique_by=lambda change: int(change.number),
)


@given(_changes)
def test_of_each_key_the_newest_is_kept_in_the_order_of_numbers(given_changes: list[Change]) -> None:
    kept = newest_per_key(given_changes)
    newest: dict[str, int] = {}
    for change in given_changes:
        key = canonical_key(change.key)
        newest[key] = max(newest.get(key, 0), int(change.number))
    assert {canonical_key(change.key): int(change.number) for change in kept} == newest
    assert len(kept) == len(newest)
    assert [int(change.number) for change in kept] == sorted(newest.values())


def test_numbers_of_different_length_are_compared_as_numbers() -> None:
    older, newer = (Change(number, DELETE, KEY, None, 0.0) for number in ("9" * 21, "1" + "0" * 21))
    assert newest_per_key([newer, older]) == [newer]
