from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given

from ddb_migration.core.attribute_values import with_base64, with_bytes
from tests.core.strategies import items

ALL_TYPES: dict[str, Any] = {
    "s": {"S": "AAECAw=="},
    "n": {"N": "1.50"},
    "b": {"B": "AP8="},
    "bool": {"BOOL": False},
    "null": {"NULL": True},
    "ss": {"SS": ["AP8=", "b"]},
    "ns": {"NS": ["1", "2.0"]},
    "bs": {"BS": ["AP8=", ""]},
    "l": {"L": [{"B": "AP8="}, {"L": [{"B": "AA=="}]}]},
    "m": {"M": {"B": {"B": "AP8="}, "deep": {"M": {"bs": {"BS": ["AA=="]}}}}},
}


@given(items)
def test_bytes_and_back_is_the_same_item(item: dict[str, Any]) -> None:
    assert with_base64(with_bytes(item)) == item


@given(items)
def test_every_binary_becomes_bytes_and_nothing_else_changes(item: dict[str, Any]) -> None:
    for before, after in _pairs({"M": item}, {"M": with_bytes(item)}):
        ((kind, text),) = before.items()
        if kind == "BS":
            assert after == {"BS": [_decoded(one) for one in text]}
        else:
            assert after == {kind: _decoded(text) if kind == "B" else text}


def test_all_ten_types() -> None:
    assert with_bytes(ALL_TYPES) == {
        **ALL_TYPES,
        "b": {"B": b"\x00\xff"},
        "bs": {"BS": [b"\x00\xff", b""]},
        "l": {"L": [{"B": b"\x00\xff"}, {"L": [{"B": b"\x00"}]}]},
        "m": {"M": {"B": {"B": b"\x00\xff"}, "deep": {"M": {"bs": {"BS": [b"\x00"]}}}}},
    }


@pytest.mark.parametrize("text", ["AP8", "AP8=\n", "A P8=", "ключ", "AP8=!"])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the standard library's own words
        with_bytes({"b": {"B": text}})


def test_the_item_given_is_left_as_it_was() -> None:
    item = {"m": {"M": {"b": {"B": "AP8="}}}}
    with_bytes(item)
    assert item == {"m": {"M": {"b": {"B": "AP8="}}}}


def _pairs(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The scalars and sets of two values of one shape, side by side."""
    ((kind, content),) = before.items()
    assert set(after) == {kind}
    if kind == "M":
        assert list(content) == list(after[kind])
        return [pair for name in content for pair in _pairs(content[name], after[kind][name])]
    if kind == "L":
        assert len(content) == len(after[kind])
        return [pair for one, other in zip(content, after[kind], strict=True) for pair in _pairs(one, other)]
    return [(before, after)]


def _decoded(text: str) -> bytes:
    return base64.b64decode(text)
