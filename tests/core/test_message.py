from __future__ import annotations

import base64
import json
import random
import string
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ddb_migration.core.change import DELETE, PUT, REREAD, Change
from ddb_migration.core.message import (
    COMPRESS_ABOVE_BYTES,
    MESSAGE_LIMIT_BYTES,
    Message,
    UnknownMessage,
    decode,
    encode,
    encode_reread,
)
from tests.core.strategies import changes, items, keys, texts

KEY = {"pk": {"S": "k"}}
ITEM_BYTES = 400 * 1024


def _binary(size: int) -> dict[str, str]:
    return {"B": base64.b64encode(random.Random(1).randbytes(size)).decode()}


def _random_text(alphabet: str, count: int) -> str:
    return "".join(random.Random(2).choices(alphabet, k=count))


CYRILLIC = "".join(map(chr, range(0x410, 0x450)))
NAMES = [a + b + c for a in string.ascii_letters for b in string.ascii_letters for c in string.digits + "_-abcdef"]
# Items of about 400 KB as DynamoDB counts, of the kinds that grow most as JSON.
LARGEST: dict[str, dict[str, Any]] = {
    "binary": {"b": _binary(ITEM_BYTES - 10)},
    "many binaries": {"b": {"L": [_binary(1000) for _ in range(400)]}},
    "cyrillic": {"s": {"S": _random_text(CYRILLIC, ITEM_BYTES // 2)}},
    "control characters": {"s": {"S": _random_text("".join(map(chr, range(32))), ITEM_BYTES)}},
    "emoji": {"s": {"S": _random_text("".join(map(chr, range(0x1F600, 0x1F640))), ITEM_BYTES // 4)}},
    "68k attributes": {name + suffix: {"BOOL": True} for name in NAMES for suffix in ("", "x")},
    "small numbers": {"l": {"L": [{"N": str(number % 10)} for number in range(130_000)]}},
    "nulls": {"l": {"L": [{"NULL": True}] * 200_000}},
}


def _put(image: dict[str, Any], number: str = "1" * 21) -> Change:
    return Change(number, PUT, KEY, {**KEY, **image}, 1.5)


def _expected(epoch: str, change: Change) -> Message:
    return Message(epoch, change.kind, change.key, change.number, change.image, change.created)


@given(texts, changes())
def test_what_is_encoded_is_decoded(epoch: str, change: Change) -> None:
    body = encode(epoch, change)
    assert body.isascii()
    assert decode(body) == _expected(epoch, change)


@given(texts, keys)
def test_a_reread_of_no_change_has_no_number(epoch: str, key: dict[str, Any]) -> None:
    assert decode(encode_reread(epoch, key)) == Message(epoch, REREAD, key)


@settings(max_examples=15)
@given(items, st.integers(min_value=0, max_value=400), st.sampled_from(("x", "\x01", "ж", "\ud83d")))
@example({}, 400, "\x01")
def test_large_images_arrive_whole(image: dict[str, Any], kilobytes: int, letter: str) -> None:
    change = _put({**image, "filling": {"S": letter * 1000 * kilobytes}})
    body = encode("epoch", change)
    assert body.isascii()
    assert len(body) <= MESSAGE_LIMIT_BYTES
    assert decode(body) == _expected("epoch", change)


@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_items_fit_compressed(kind: str) -> None:
    change = _put(LARGEST[kind])
    assert len(json.dumps(change.image)) > COMPRESS_ABOVE_BYTES
    body = encode("epoch", change)
    assert body.isascii()
    assert len(body) <= MESSAGE_LIMIT_BYTES
    assert decode(body) == _expected("epoch", change)


def test_what_does_not_fit_becomes_a_reread_of_its_change() -> None:
    # Twice what an item may hold: only then does something incompressible not fit.
    change = _put({"b": _binary(2 * ITEM_BYTES)})
    body = encode("epoch", change)
    assert len(body) < 1000
    assert decode(body) == Message("epoch", REREAD, KEY, change.number, None, change.created)


def test_everything_up_to_the_limit_travels_whole() -> None:
    fits, too_large = 700_000, 2 * ITEM_BYTES
    while too_large - fits > 16:
        middle = (fits + too_large) // 2
        is_whole = decode(encode("epoch", _put({"b": _binary(middle)}))).kind == PUT
        fits, too_large = (middle, too_large) if is_whole else (fits, middle)
    longest = len(encode("epoch", _put({"b": _binary(fits)})))
    assert MESSAGE_LIMIT_BYTES - 200 < longest <= MESSAGE_LIMIT_BYTES


def test_a_delete_travels_without_an_image() -> None:
    assert decode(encode("epoch", Change("2" * 21, DELETE, KEY, None, 3.0))).image is None


def test_small_bodies_are_plain_and_large_ones_packed() -> None:
    small, large = encode("e", _put({})), encode("e", _put({"s": {"S": "x" * COMPRESS_ABOVE_BYTES}}))
    assert "image" in json.loads(small)
    assert "packed" in json.loads(large)
    assert len(large) < COMPRESS_ABOVE_BYTES


def _changed(**fields: Any) -> str:
    body = json.loads(encode("epoch", _put({})))
    body.update(fields)
    return json.dumps({name: value for name, value in body.items() if value is not None})


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "null",
        "{}",
        "5",
        _changed(v=2),
        _changed(v="1"),
        _changed(kind="merge"),
        _changed(kind=["put"]),
        _changed(epoch=None),
        _changed(key=None),
        _changed(image=None),
        _changed(image=None, packed="not base64"),
        _changed(image=None, packed="AAAA"),
        _changed(number="a while ago"),
        _changed(number=-7),
    ],
)
def test_a_body_of_another_version_is_refused(body: str) -> None:
    with pytest.raises(UnknownMessage):
        decode(body)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


@given(_json)
def test_whatever_json_stands_in_a_body_is_read_or_refused(value: object) -> None:
    with pytest.raises(UnknownMessage):
        decode(json.dumps(value))
