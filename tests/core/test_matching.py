from __future__ import annotations

import functools
import json
import operator
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.matching import (
    DESTINATION,
    SOURCE,
    Leftover,
    Matching,
    folded,
)

Rows = dict[str, int]


def _text(key: str, value: int) -> bytes:
    return json.dumps({"pk": {"S": key}, "n": {"N": str(value)}}, separators=(",", ":")).encode()[1:-1]


def _pages(rows: Rows, draw: random.Random) -> list[list[bytes]]:
    texts = [_text(key, value) for key, value in rows.items()]
    draw.shuffle(texts)
    cuts = sorted(draw.sample(range(len(texts) + 1), min(len(texts), 3)))
    return [texts[start:end] for start, end in zip([0, *cuts], [*cuts, len(texts)], strict=True)]


rows = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 3), max_size=20)


@given(rows, rows, st.randoms(use_true_random=False), st.booleans())
def test_what_is_left_over_is_what_has_no_equal_on_the_other_side(
    source: Rows, destination: Rows, draw: random.Random, spill: bool
) -> None:
    matching, left = Matching(["pk"]), list[Leftover]()
    pages = [(side, page) for side, table in enumerate((source, destination)) for page in _pages(table, draw)]
    draw.shuffle(pages)
    for side, page in pages:
        matching.add(side, page)
        left += matching.take_leftovers() if spill else []
    left += matching.take_leftovers()
    sides = [{(row.key["pk"]["S"], row.digest) for row in left if row.side == side} for side in (SOURCE, DESTINATION)]
    (only_source, only_destination) = sides[0] - sides[1], sides[1] - sides[0]
    differing = {key for key in source | destination if source.get(key) != destination.get(key)}
    digests = {digest for _, digest in sides[0]} ^ {digest for _, digest in sides[1]}
    assert {key for key, digest in only_source | only_destination if digest in digests} == differing
    assert [side.items for side in matching.sides] == [len(source), len(destination)]
    assert (matching.sides[0].digest == matching.sides[1].digest) == (source == destination)
    assert matching.take_leftovers() == []


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=40))
def test_digests_are_folded_into_their_exclusive_or(digests: list[bytes]) -> None:
    numbers = [int.from_bytes(digest, "big") for digest in digests]
    assert folded(b"".join(digests)) == functools.reduce(operator.xor, numbers, 0)


SPELLINGS = (
    b'"pk":{"S":"a"},"n":{"N":"1"},"s":{"SS":["x","y"]}',
    b'"s":{"SS":["y","x"]},"n":{"N":"1.0"},"pk":{"S":"\\u0061"}',
)


def test_two_spellings_of_one_item_are_equal_and_give_one_digest_of_the_segment() -> None:
    matching = Matching(["pk"])
    for side, text in enumerate(SPELLINGS):
        matching.add(side, [text, _text("b", 1)])
    assert matching.take_leftovers() == []
    assert matching.sides[SOURCE].digest == matching.sides[DESTINATION].digest != 0


def test_two_spellings_in_two_segments_leave_one_digest() -> None:
    lefts = []
    for side, text in enumerate(SPELLINGS):
        matching = Matching(["pk"])
        matching.add(side, [text])
        lefts += matching.take_leftovers()
    assert lefts[0].digest == lefts[1].digest
    assert [left.key for left in lefts] == [{"pk": {"S": "a"}}] * 2


def test_the_side_that_is_ahead_is_known() -> None:
    matching = Matching(["pk"])
    matching.add(SOURCE, [_text("a", 1), _text("b", 1)])
    assert matching.lead_bytes(SOURCE) == -matching.lead_bytes(DESTINATION) == 2 * len(_text("a", 1))
    matching.add(DESTINATION, [_text("a", 1)])
    assert matching.lead_bytes(SOURCE) == len(_text("a", 1))


def test_a_table_in_another_order_is_put_aside_before_memory_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddb_migration.core.matching.MOST_WAITING_BYTES", 10 * len(_text("0", 1)))
    matching = Matching(["pk"])
    matching.add(SOURCE, [_text(str(number), 1) for number in range(10)])
    assert not matching.is_full
    matching.add(SOURCE, [_text("x", 1)])
    assert matching.is_full
    assert len(matching.take_leftovers()) == 11
    assert not matching.is_full
