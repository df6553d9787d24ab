"""Pages and lines are cut as a JSON parser would cut them, whatever their strings hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ddb_migration.core import item_text
from ddb_migration.core.item_text import NotDynamoDbJson, Requests, line_text, line_texts, parsed, scan_page, written

# What could be taken for structure, whole and in pieces.
HOSTILE = [*'{}[]",:\\é', "},{", '},{"', '"},{"', '}],"Count":', '"Items":[', "{}", "\\\\"]
TYPES = ["S", "N", "B", "L", "M", "SS", "NS", "BS", "BOOL", "NULL", "Items", "Count"]

strings = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=3), max_size=6).map("".join)
names = st.sampled_from(TYPES) | strings.filter(bool)
scalars = st.one_of(
    st.builds(lambda text: {"S": text}, strings),
    st.builds(lambda number: {"N": str(number)}, st.integers()),
    st.sampled_from([{"BOOL": True}, {"NULL": True}, {"B": "AP8="}, {"M": {}}, {"L": []}]),
    st.builds(lambda members: {"SS": members}, st.lists(strings, min_size=1, max_size=3, unique=True)),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda members: {"L": members}, st.lists(inner, max_size=4)),
        st.builds(lambda members: {"M": members}, st.dictionaries(names, inner, max_size=4)),
    ),
    max_leaves=8,
)
items = st.dictionaries(names, values, min_size=1, max_size=4)
MEMBERS = ["ConsumedCapacity", "Count", "Items", "LastEvaluatedKey", "ScannedCount"]


@st.composite
def pages(draw: st.DrawFn) -> dict[str, Any]:
    """A page whose members stand in any order, with or without a last key."""
    found = draw(st.lists(items, max_size=5))
    page = {"ConsumedCapacity": {"CapacityUnits": 2.5}, "Count": len(found), "Items": found}
    page |= {"LastEvaluatedKey": draw(items), "ScannedCount": len(found)}
    kept = draw(st.permutations([name for name in MEMBERS if name != "LastEvaluatedKey" or draw(st.booleans())]))
    return {name: page[name] for name in kept}


def compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def page_of(*found: dict[str, Any]) -> dict[str, Any]:
    return {"Count": len(found), "Items": list(found), "ScannedCount": len(found)}


@settings(max_examples=100)
@given(pages(), st.sampled_from([(",", ":"), (", ", ": "), (",", ": ")]), st.booleans())
@example(page_of({"a": {"S": '},{"'}}, {"b": {"S": "x"}}), (",", ":"), False)
@example(page_of({"M": {"S": "x"}}, {"M": {"S": "y"}}), (",", ":"), False)
@example(page_of({"S": {"S": "x"}}, {"S": {"L": [{"S": "y"}, {"S": {"S": "z"}["S"]}]}}), (",", ":"), False)
@example(page_of({"a": {"L": [{"M": {}}, {"M": {"b": {"S": "c"}}}]}}), (",", ":"), False)
@example(page_of({"a": {"S": '}],"Count":'}}), (",", ":"), False)
@example(page_of(), (",", ":"), False)
def test_a_page_is_cut_as_json_says(page: dict[str, Any], separators: tuple[str, str], ascii: bool) -> None:
    body = json.dumps(page, ensure_ascii=ascii, separators=separators).encode()
    portion = scan_page(body)
    assert [parsed(text) for text in portion.items] == page["Items"]
    assert all(b"{%b}" % text in body for text in portion.items), "as it was written"
    assert (portion.position is None) == ("LastEvaluatedKey" not in page)
    assert portion.position is None or json.loads(portion.position) == page["LastEvaluatedKey"]
    assert portion.units == 2.5 or "ConsumedCapacity" not in page


@settings(max_examples=40)
@given(pages())
def test_both_ways_of_cutting_agree(page: dict[str, Any]) -> None:
    body = compact(page)
    fast = item_text._cut(body)
    assert fast is None or fast == item_text._decoded(body)


def test_strings_full_of_braces_are_cut_without_decoding() -> None:
    found = [{"pk": {"S": str(number)}, "doc": {"S": '{"a":[{"b":1},{"c":"},{"}]}'}} for number in range(50)]
    portion = item_text._cut(compact(page_of(*found)))
    assert portion is not None
    assert [parsed(text) for text in portion.items] == found


def test_an_attribute_called_m_is_decoded() -> None:
    found = [{"M": {"S": "a"}}, {"M": {"S": "b"}}]
    assert item_text._cut(compact(page_of(*found))) is None
    assert [parsed(text) for text in scan_page(compact(page_of(*found))).items] == found


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"Items":[1],"Count":1}', b'{"Items":[{}],"Count":2}', b"\xff"],
)
def test_what_is_no_page_is_refused(body: bytes) -> None:
    with pytest.raises(NotDynamoDbJson):
        scan_page(body)


@given(items, st.booleans())
def test_a_line_is_used_as_it_is(item: dict[str, Any], spaced: bool) -> None:
    line = json.dumps({"Item": item}).encode() if spaced else compact({"Item": item})
    assert parsed(line_text(line)) == item
    assert line_text(line) in line


@given(st.lists(st.tuples(items, st.booleans()), max_size=6), st.data())
def test_pieces_are_cut_wherever_they_end(found: list[tuple[dict[str, Any], bool]], data: st.DataObject) -> None:
    lines = [json.dumps({"Item": item}).encode() if spaced else compact({"Item": item}) for item, spaced in found]
    text = b"".join(line + data.draw(st.sampled_from([b"\n", b"\n\n"])) for line in lines)
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    begun, taken = b"", []
    for first, last in zip([0, *places], [*places, len(text)], strict=True):
        texts, begun = line_texts(begun, text[first:last])
        taken += texts
    assert begun == b""
    assert taken == list(map(line_text, lines))


def test_a_border_of_lines_that_hides_another_line_is_none() -> None:
    """A line that DynamoDB would write otherwise is looked at by itself, and so are those around it."""
    lines = [
        compact({"Item": {"pk": {"S": "a"}}}),
        b' {"Item": {"pk": {"S": "b"}}}',
        compact({"Item": {"pk": {"S": "c"}}}),
    ]
    texts, rest = line_texts(b"", b"\n".join(lines) + b"\n")
    assert ([parsed(text)["pk"]["S"] for text in texts], rest) == (["a", "b", "c"], b"")
    with pytest.raises(NotDynamoDbJson):
        line_texts(b"", lines[0] + b'\n{"Keys":{}}\n' + lines[2] + b"\n")


@pytest.mark.parametrize("line", [b"{}", b'{"Keys":{"a":{"S":"b"}}}', b'{"Item":{}, "More":1}', b"x"])
def test_what_is_no_line_is_refused(line: bytes) -> None:
    with pytest.raises(NotDynamoDbJson):
        line_text(line)


REQUESTS = Requests("arn:source", 'arn:"destination"')


@settings(max_examples=20)
@given(st.lists(items, min_size=1, max_size=4))
def test_a_write_puts_the_items(found: list[dict[str, Any]]) -> None:
    told = json.loads(REQUESTS.write([compact(item)[1:-1] for item in found]))
    assert told == {
        "ReturnConsumedCapacity": "TOTAL",
        "RequestItems": {'arn:"destination"': [{"PutRequest": {"Item": item}} for item in found]},
    }


@pytest.mark.parametrize("start", [None, '{"pk":{"N":"1"}}'])
def test_a_scan_is_consistent_and_goes_on_at_its_key(start: str | None) -> None:
    told = json.loads(REQUESTS.scan(3, 7, start, 500))
    assert told == {
        "TableName": "arn:source",
        "Segment": 3,
        "TotalSegments": 7,
        "Limit": 500,
        "ConsistentRead": True,
        "ReturnConsumedCapacity": "TOTAL",
        **({"ExclusiveStartKey": json.loads(start)} if start else {}),
    }


BATCH = [b'"pk":{"N":"%d"},"x":{"S":"y"}' % number for number in range(5)]


def unprocessed(*left: dict[str, Any]) -> bytes:
    puts = [{"PutRequest": {"Item": item}} for item in left]
    return compact({"UnprocessedItems": {"t": puts}, "ConsumedCapacity": [{"CapacityUnits": 3.0}]})


def test_items_left_are_found_by_their_keys_in_whatever_order_their_attributes_stand() -> None:
    answer = unprocessed({"x": {"S": "y"}, "pk": {"N": "3.0"}}, {"pk": {"N": "0"}, "x": {"S": "y"}})
    told = written(answer, BATCH, ["pk"])
    assert (list(told.left), told.units) == ([0, 3], 3.0)


def test_an_answer_that_names_unknown_items_leaves_everything() -> None:
    assert list(written(unprocessed({"pk": {"N": "9"}}), BATCH, ["pk"]).left) == [0, 1, 2, 3, 4]
    assert list(written(unprocessed(*map(parsed, BATCH)), BATCH, ["pk"]).left) == [0, 1, 2, 3, 4]


def test_an_answer_that_leaves_nothing() -> None:
    assert written(b'{"UnprocessedItems":{}}', BATCH, ["pk"]).left == ()
    both = b'{"ConsumedCapacity":[{"CapacityUnits":12.5,"TableName":"t"}],"UnprocessedItems":{}}'
    assert written(both, BATCH, ["pk"]).units == 12.5
    assert written(b"{}", BATCH, ["pk"]).left == ()
