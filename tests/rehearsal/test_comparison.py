"""The comparison: every kind of difference is found and told by key."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration_construct.rehearsal.comparison import compare_items, compare_tables, index_by_key
from tests.rehearsal.fakes import FakeTables

Item = dict[str, dict[str, Any]]
NAMES = ("hash",)


def item(key: int, **attributes: dict[str, Any]) -> Item:
    return {"hash": {"N": str(key)}, **attributes}


@given(
    st.dictionaries(st.integers(0, 30), st.integers(0, 3)),
    st.dictionaries(st.integers(0, 30), st.integers(0, 3)),
)
def test_counts_are_those_of_the_two_key_sets(source: dict[int, int], destination: dict[int, int]) -> None:
    found = compare_items(_indexed(source), _indexed(destination), NAMES)
    common = source.keys() & destination.keys()
    assert found.missing == len(source.keys() - destination.keys())
    assert found.extra == len(destination.keys() - source.keys())
    assert found.different == sum(source[key] != destination[key] for key in common)
    assert found.equal is (source == destination)
    assert len(found.differences) <= 5
    assert bool(found.differences) is not found.equal


def _indexed(values: dict[int, int]) -> dict[Any, Any]:
    return index_by_key((item(key, value={"N": str(value)}) for key, value in values.items()), NAMES)


def test_differences_name_attributes_and_hold_no_item_data() -> None:
    secret, other = {"S": "secret"}, {"S": "other"}
    source = index_by_key([item(4711, same=secret, changed=secret, lost=secret)], NAMES)
    destination = index_by_key([item(4711, same=secret, changed=other, added=other)], NAMES)
    (difference,) = compare_items(source, destination, NAMES).differences
    assert difference.attributes == ("added", "changed", "lost")
    assert "secret" not in repr(difference)
    assert "4711" not in repr(difference)


def test_keys_that_are_one_number_are_one_key() -> None:
    source = index_by_key([{"hash": {"N": "1.0"}}], NAMES)
    destination = index_by_key([{"hash": {"N": "1"}}], NAMES)
    assert compare_items(source, destination, NAMES).missing == 0


def test_fails_when_a_key_comes_twice() -> None:
    with pytest.raises(ValueError, match="two items with one key"):
        index_by_key([item(1), {"hash": {"N": "1.00"}}], NAMES)


def test_reads_both_tables_whole_and_consistently() -> None:
    tables = FakeTables()
    for key in range(20):
        tables.put_item(TableName="source", Item=item(key))
        tables.put_item(TableName="destination", Item=item(key + 1))
    found = compare_tables(tables, "source", "destination", NAMES)
    assert (found.source_items, found.destination_items, found.missing, found.extra) == (20, 20, 1, 1)
    assert all(scan["ConsistentRead"] for scan in tables.scans)
