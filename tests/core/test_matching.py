from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.matching import (
    DESTINATION,
    SOURCE,
    Leftover,
    Matching,
)

Rows = dict[str, int]


def _text(key: str, value: int) -> bytes:
    return json.dumps({"pk": {"S": key}, "n": {"N": str(value)}}, separators=(",", ":")).encode()[1:-1]


def _pages(rows: Rows, draw: random.Random, ordered: bool) -> list[list[bytes]]:
    texts = [_text(key, value) for key, value in sorted(rows.items())]
    if not ordered:
        draw.shuffle(texts)
    cuts = sorted(draw.sample(range(len(texts) + 1), min(len(texts), 3)))
    return [texts[start:end] for start, end in zip([0, *cuts], [*cuts, len(texts)], strict=True)]


rows = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 3), max_size=20)


@given(rows, rows, st.randoms(use_true_random=False), st.booleans(), st.booleans())
def test_what_is_left_over_is_what_has_no_equal_on_the_other_side(
    source: Rows, destination: Rows, draw: random.Random, spill: bool, ordered: bool
) -> None:
    """In whatever order the items come, and whichever side comes first."""
    matching, left = Matching(["pk"]), list[Leftover]()
    pages = [
        [(side, page) for page in _pages(table, draw, ordered)] for side, table in enumerate((source, destination))
    ]
    while any(pages):
        side, page = draw.choice([rest for rest in pages if rest]).pop(0)
        matching.add(side, page)
        left += matching.take_leftovers() if spill else []
    left += matching.take_leftovers()
    sides = [{(row.key["pk"]["S"], row.digest) for row in left if row.side == side} for side in (SOURCE, DESTINATION)]
    differing = {key for key in source | destination if source.get(key) != destination.get(key)}
    assert {key for key, _ in sides[0] ^ sides[1]} == differing
    if not spill:
        assert not sides[0] & sides[1]
    assert [side.items for side in matching.sides] == [len(source), len(destination)]
    assert matching.take_leftovers() == []


@given(st.integers(0, 59), st.integers(0, 59), st.integers(1, 20))
def test_one_item_more_or_less_does_not_put_the_rest_out_of_step(gone: int, new: int, page: int) -> None:
    source = [_text(str(number), 1) for number in range(60)]
    destination = [*source[:gone], *source[gone + 1 :]]
    destination.insert(new, _text("new", 1))
    matching = Matching(["pk"])
    for start in range(0, 60, page):
        matching.add(SOURCE, source[start : start + page])
        matching.add(DESTINATION, destination[start : start + page])
        # What is looked for is what differs, and the pages between the two places.
        assert all(len(side.apart) <= 1 + page for side in matching.sides)
    assert {(left.side, left.key["pk"]["S"]) for left in matching.take_leftovers()} == {
        (SOURCE, str(gone)),
        (DESTINATION, "new"),
    }


def test_equal_segments_have_equal_digests_however_their_pages_are_cut() -> None:
    texts = [_text(str(number), 1) for number in range(10)]
    one, other = Matching(["pk"]), Matching(["pk"])
    for start in range(0, 10, 3):
        one.add(SOURCE, texts[start : start + 3])
    other.add(SOURCE, texts)
    assert one.sides[SOURCE].sha256.digest() == other.sides[SOURCE].sha256.digest()
    other.add(SOURCE, texts[:1])
    assert one.sides[SOURCE].sha256.digest() != other.sides[SOURCE].sha256.digest()


SPELLINGS = (
    b'"pk":{"S":"a"},"n":{"N":"1"},"s":{"SS":["x","y"]}',
    b'"s":{"SS":["y","x"]},"n":{"N":"1.0"},"pk":{"S":"\\u0061"}',
)


def test_two_spellings_of_one_item_are_equal() -> None:
    matching = Matching(["pk"])
    for side, text in enumerate(SPELLINGS):
        matching.add(side, [text, _text("b", 1)])
    assert matching.take_leftovers() == []


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
