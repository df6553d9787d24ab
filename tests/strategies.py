"""What a table may hold, drawn to hurt: hostile texts, numbers of 38 digits, empty values, 32 levels, any key.

Values are as boto3's low-level client takes and gives them, so binary is bytes. Limits: DynamoDB Developer Guide,
"Supported data types and naming rules" and "Service, account, and table quotas".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

Value = dict[str, Any]
Item = dict[str, Value]

LEVELS = 32
# Texts over which one encoding or another has stumbled: JSON, base64, SQS's characters, text cut at item borders.
HOSTILE_TEXTS = (
    *("", " ", "\x00", "\x1f", "\x7f", "\ufeff", "\ufffe", "\uffff", "\u2028", "\U0001f600", "e\u0301", "жёлтый"),
    *('"', "\\", '\\"', '"}},{"', '},{"pk":{"S":"x"}', "]}", '{"S":"x"}', "null", "NaN", "1E5", "AP9oZWxsbw=="),
    *("a" * 130, "\r\n\t", "<S>", "'; --"),
)
HOSTILE_NAMES = (
    *("S", "N", "B", "M", "L", "NULL", "Item", "Items", "Count", "Keys", "NewImage", "LastEvaluatedKey"),
    *("random_id", "Name", "name", "#pk", ":v", "a.b", "a b", "id[0]", "значение", "\x00", "\uffff", '"', "aws:rep:x"),
)

texts = st.one_of(st.sampled_from(HOSTILE_TEXTS), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
attribute_names = st.one_of(st.sampled_from(HOSTILE_NAMES), texts.filter(bool))
binaries = st.one_of(st.sampled_from((b"", b"\x00", b"\x00\xffhello", b"AP9oZWxsbw==", b"\xff" * 40)), st.binary())
_DIGITS = 10**38 - 1
numbers = st.one_of(
    st.sampled_from(
        (
            *("0", "1", "-1", "0.1", "1E2", "9007199254740993", "1" * 38, f"-{'9' * 38}", f"0.{'1' * 38}"),
            *("9.9999999999999999999999999999999999999E+125", "1E-130", "-1E-130", "12345678901234567890.1234567890"),
        )
    ),
    st.integers(-_DIGITS, _DIGITS).map(str),
    st.builds("{}E{}".format, st.integers(-_DIGITS, _DIGITS), st.integers(-120, 80)),
)


def _set(name: str, members: st.SearchStrategy[Any], unique_by: Any = None) -> st.SearchStrategy[Value]:
    lists = st.lists(members, min_size=1, max_size=4, unique_by=unique_by or (lambda member: member))
    return lists.map(lambda content: {name: content})


scalars: st.SearchStrategy[Value] = st.one_of(
    texts.map(lambda content: {"S": content}),
    numbers.map(lambda content: {"N": content}),
    binaries.map(lambda content: {"B": content}),
    st.booleans().map(lambda content: {"BOOL": content}),
    st.just({"NULL": True}),
    _set("SS", texts),
    _set("NS", numbers, Decimal),
    _set("BS", binaries),
)
values: st.SearchStrategy[Value] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda content: {"L": content}),
        st.dictionaries(attribute_names, inner, max_size=4).map(lambda content: {"M": content}),
    ),
    max_leaves=8,
)


@st.composite
def deep_values(draw: st.DrawFn) -> Value:
    """A value at the deepest level that DynamoDB takes, in lists and maps by turns that are drawn."""
    value = draw(scalars)
    for is_list in draw(st.lists(st.booleans(), min_size=LEVELS, max_size=LEVELS)):
        value = {"L": [value]} if is_list else {"M": {draw(st.sampled_from(HOSTILE_NAMES)): value}}
    return value


_KEY_CONTENTS: Mapping[str, st.SearchStrategy[Value]] = {
    "S": texts.filter(bool).map(lambda content: {"S": content}),
    "N": numbers.map(lambda content: {"N": content}),
    "B": binaries.filter(bool).map(lambda content: {"B": content}),
}
Shape = tuple[tuple[str, str], ...]


@st.composite
def key_shapes(draw: st.DrawFn) -> Shape:
    """The key attributes of a table, name and type, partition key first."""
    kinds = draw(st.lists(st.sampled_from("SNB"), min_size=1, max_size=2))
    names = draw(st.lists(attribute_names, min_size=len(kinds), max_size=len(kinds), unique=True))
    return tuple(zip(names, kinds, strict=True))


def keys(shape: Shape) -> st.SearchStrategy[Item]:
    """A primary key of a table."""
    return st.fixed_dictionaries({name: _KEY_CONTENTS[kind] for name, kind in shape})


def _identity(key: Item) -> tuple[Any, ...]:
    """Keys that are one key to DynamoDB are one here: numbers by value."""
    return tuple(Decimal(value["N"]) if "N" in value else (*value.items(),) for value in key.values())


def different_keys(shape: Shape, most: int) -> st.SearchStrategy[list[Item]]:
    """Some keys, all different."""
    return st.lists(keys(shape), min_size=1, max_size=most, unique_by=_identity)


def attributes(shape: Shape) -> st.SearchStrategy[Item]:
    """What an item holds beside its key."""
    taken = {name for name, _ in shape}
    names = attribute_names.filter(lambda name: name not in taken)
    return st.dictionaries(names, st.one_of(values, values, deep_values()), max_size=5)


@dataclass(frozen=True)
class Step:
    """One change of the source: the item under `key` becomes `image`, or goes when that is None."""

    key: Item
    image: Item | None
    number: str


@dataclass(frozen=True)
class Table:
    """A table's shape, and what it holds."""

    shape: Shape
    items: tuple[Item, ...]


@dataclass(frozen=True)
class History:
    """A table's shape, and its changes in the order in which they were made, all within one second."""

    shape: Shape
    steps: tuple[Step, ...]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table of any shape with some items."""
    shape = draw(key_shapes())
    return Table(shape, tuple({**key, **draw(attributes(shape))} for key in draw(different_keys(shape, 5))))


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Changes of few keys, so that puts and deletes of one key follow each other: put-delete-put, A-B-A."""
    shape = draw(key_shapes())
    few = draw(different_keys(shape, 3))
    images = draw(st.lists(st.one_of(st.none(), attributes(shape)), min_size=1, max_size=3))
    picks = draw(st.lists(st.tuples(st.sampled_from(few), st.sampled_from(images)), min_size=1, max_size=8))
    number = draw(st.integers(10**20, 10**39))
    steps = []
    for key, image in picks:
        number += draw(st.integers(1, 10**20))
        steps.append(Step(key, None if image is None else {**key, **image}, str(number)))
    return History(shape, tuple(steps))
