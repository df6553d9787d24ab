"""Planted differences: each is one for the independent judge, or is none, as its kind says."""

from __future__ import annotations

from typing import Any

import pytest

from ddb_migration_construct.rehearsal.comparison import Comparison, compare_items, index_by_key
from ddb_migration_construct.rehearsal.items import HostileItems
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.planted_differences import KINDS, PlantedDifferences
from tests.fakes.aws import FakeAws
from tests.fakes.dynamodb import items_of
from tests.fakes.making import create_table

POPULATION = 50
SHAPE = KeyShape.parse("pk:S,sk:N")
NAMES = tuple(SHAPE.attributes())


class Tables:
    """A source and a destination that holds what the source does, before anything is planted."""

    def __init__(self, count: int) -> None:
        self.dynamodb: Any = FakeAws().dynamodb
        arns = [create_table(self.dynamodb, name, ("pk", "S"), ("sk", "N")) for name in ("source", "destination")]
        self.source, self.destination = arns
        items = HostileItems(1, SHAPE)
        self.planted = PlantedDifferences(self.dynamodb, self.source, self.destination, items, POPULATION, count)
        self.planted.prepare()
        for item in items_of(self.dynamodb, self.source):
            self.dynamodb.put_item(TableName=self.destination, Item=item)

    def compared(self) -> Comparison:
        sides = [index_by_key(items_of(self.dynamodb, table), NAMES) for table in (self.source, self.destination)]
        return compare_items(sides[0], sides[1], NAMES)


def differences(comparison: Comparison) -> int:
    return comparison.missing + comparison.extra + comparison.different


def test_before_it_plants_the_tables_are_equal() -> None:
    tables = Tables(10)
    assert tables.compared().equal
    assert len(items_of(tables.dynamodb, tables.source)) == 8, "the extra and the undead item are not there"


@pytest.mark.parametrize("count", [1, 10, 25])
def test_the_judge_sees_as_many_as_it_says(count: int) -> None:
    tables = Tables(count)
    tables.planted.plant()
    assert differences(tables.compared()) == tables.planted.real


def test_of_ten_kinds_eight_are_differences() -> None:
    assert len(KINDS) == 10
    assert Tables(10).planted.real == 8
    tables = Tables(10)
    tables.planted.plant()
    found = tables.compared()
    assert (found.missing, found.extra, found.different) == (1, 2, 5)


def test_no_writer_comes_across_them() -> None:
    items = HostileItems(1, SHAPE)
    drawn = {str(items.key(index)) for index in range(POPULATION + POPULATION // 10 + 1)}
    tables = Tables(10)
    tables.planted.plant()
    planted = [*items_of(tables.dynamodb, tables.source), *items_of(tables.dynamodb, tables.destination)]
    assert not {str({name: item[name] for name in NAMES}) for item in planted} & drawn


def test_nothing_is_planted_unless_asked_for() -> None:
    tables = Tables(0)
    tables.planted.plant()
    assert (tables.planted.real, items_of(tables.dynamodb, tables.destination)) == (0, [])
