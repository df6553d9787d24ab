"""Arbitrary DynamoDB JSON: every one of the ten types, hostile contents, binary as base64 text."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from ddb_migration.core.change import DELETE, PUT, REREAD, Change

Value = dict[str, Any]

# Any character that DynamoDB keeps, which is Unicode without the halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
base64_texts = st.binary(max_size=30).map(lambda content: base64.b64encode(content).decode())
number_texts = st.one_of(
    st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1).map(str),
    st.builds(
        "{}E{}".format,
        st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1),
        st.integers(min_value=-130, max_value=80),
    ),
    st.sampled_from(("0", "-0", "1.0", "1E0", "0.10", "9007199254740993")),
)
scalars: st.SearchStrategy[Value] = st.one_of(
    st.builds(lambda content: {"S": content}, texts),
    st.builds(lambda content: {"N": content}, number_texts),
    st.builds(lambda content: {"B": content}, base64_texts),
    st.builds(lambda content: {"BOOL": content}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda content: {"SS": content}, st.lists(texts, min_size=1, max_size=4, unique=True)),
    st.builds(lambda content: {"NS": content}, st.lists(number_texts, min_size=1, max_size=4, unique_by=Decimal)),
    st.builds(lambda content: {"BS": content}, st.lists(base64_texts, min_size=1, max_size=4, unique=True)),
)
values: st.SearchStrategy[Value] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.builds(lambda content: {"L": content}, st.lists(inner, max_size=4)),
        st.builds(lambda content: {"M": content}, st.dictionaries(texts, inner, max_size=4)),
    ),
    max_leaves=12,
)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
items = st.dictionaries(names, values, max_size=6)

key_values: st.SearchStrategy[Value] = st.one_of(
    st.builds(lambda content: {"S": content}, texts.filter(bool)),
    st.builds(lambda content: {"N": content}, number_texts),
    st.builds(lambda content: {"B": content}, base64_texts.filter(bool)),
)
keys = st.dictionaries(names, key_values, min_size=1, max_size=2)
sequence_numbers = st.integers(min_value=0, max_value=10**40 - 1).map(str)
stream_numbers = st.integers(min_value=10**20, max_value=10**40 - 1).map(str)
moments = st.integers(min_value=0, max_value=2**33).map(float)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """A change of any kind; a put holds its key."""
    kind, key = draw(st.sampled_from((PUT, DELETE, REREAD))), draw(keys)
    image = {**draw(items), **key} if kind == PUT else None
    return Change(draw(stream_numbers), kind, key, image, draw(moments))
