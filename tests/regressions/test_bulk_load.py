"""AWS's public sample loses data in the bulk load; each defect as a check that it fails and the product passes.

The numbers are those of the project's list of the sample's defects.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from ddb_migration.core.attribute_values import with_base64, with_bytes
from ddb_migration.core.control_record import MigrationStopped
from tests.fakes.dynamodb import items_of
from tests.fidelity.paths import World
from tests.fidelity.test_fidelity import ALL_TYPES
from tests.regressions.orders import Orders, key, product, put
from tests.strategies import Item

Load = Callable[[World], None]
Frame = Callable[[list[Item]], Iterable[Item]]

PRODUCT: list[Load] = [World.scan, World.export]


def by_frame(frame: Frame) -> Load:
    """A bulk load whose items pass through some idea of a table with columns."""

    def load(world: World) -> None:
        for item in frame([*items_of(world.dynamodb, "source")]):
            put(world, item)

    return load


# 13: a second run loads old items on top of applied changes


def check_second_run(second_run: Load) -> None:
    world = Orders()
    old = world.write({**key("a"), "v": {"N": "1"}})
    world.export()
    changes = [world.write({**key("a"), "v": {"N": "2"}}), world.write(key("b")), world.remove(key("b"))]
    product(world, [[old], changes])
    second_run(world)
    world.require_equal()


def test_13_a_second_run_writes_nothing() -> None:
    def ours(world: World) -> None:
        with contextlib.suppress(MigrationStopped):
            world.copy_export()

    check_second_run(ours)


def test_13_a_run_that_knows_of_no_work_done_is_stopped_by_the_barrier() -> None:
    def ours(world: World) -> None:
        rows = world.dynamodb.tables["control"].items
        for row in [row for row in rows if str(row).count("checkpoint#")]:
            del rows[row]
        with pytest.raises(MigrationStopped):
            world.copy_export()

    check_second_run(ours)


def test_13_loading_the_old_snapshot_again_is_caught() -> None:
    with pytest.raises(AssertionError):
        check_second_run(lambda world: put(world, {**key("a"), "v": {"N": "1"}}))


# 14: a data frame turns sets into lists, numbers into doubles, and what is absent into NULL


def check_types(load: Load) -> None:
    world = World((("pk", "B"),))
    world.put(ALL_TYPES, {"pk": {"B": b"bare"}})
    load(world)
    world.require_equal()


@pytest.mark.parametrize("load", PRODUCT)
def test_14_items_keep_every_type_and_lack_what_they_lacked(load: Load) -> None:
    check_types(load)


def sets_to_lists(items: list[Item]) -> Iterable[Item]:
    for item in items:
        yield {name: _as_list(value) for name, value in item.items()}


def _as_list(value: dict[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    return {"L": [{kind[0]: member} for member in content]} if kind in ("SS", "NS", "BS") else value


def numbers_to_doubles(items: list[Item]) -> Iterable[Item]:
    for item in items:
        yield {name: {"N": repr(float(value["N"]))} if "N" in value else value for name, value in item.items()}


def absent_to_null(items: list[Item]) -> Iterable[Item]:
    columns = {name for item in items for name in item}
    for item in items:
        yield {name: item.get(name, {"NULL": True}) for name in columns}


@pytest.mark.parametrize("frame", [sets_to_lists, numbers_to_doubles, absent_to_null])
def test_14_a_data_frame_is_caught(frame: Frame) -> None:
    with pytest.raises(AssertionError):
        check_types(by_frame(frame))


# 15: an attribute of mixed types becomes a structure with a member for each type


def check_mixed_types(load: Load) -> None:
    world = Orders()
    sizes: dict[str, Any] = {"a": {"N": "5"}, "b": {"S": "five"}, "c": {"NULL": True}, "d": {"L": [{"N": "5"}]}}
    for name, value in sizes.items():
        world.write({**key(name), "size": value})
    load(world)
    world.require_equal()


@pytest.mark.parametrize("load", PRODUCT)
def test_15_an_attribute_may_have_any_type_in_any_item(load: Load) -> None:
    check_mixed_types(load)


def test_15_a_choice_written_as_a_map_is_caught() -> None:
    def choices(items: list[Item]) -> Iterable[Item]:
        kinds = {"N": "long", "S": "string", "NULL": "null", "L": "array"}
        for item in items:
            ((kind, _),) = item["size"].items()
            yield {**item, "size": {"M": {kinds[kind]: item["size"]}}}

    with pytest.raises(AssertionError):
        check_mixed_types(by_frame(choices))


# 16: a helper column takes away an attribute of that name, and names are compared without case


def check_names(load: Load) -> None:
    world = Orders()
    attributes = {"random_id": {"S": "mine"}, "Name": {"S": "A"}, "name": {"S": "b"}, "NAME": {"N": "3"}}
    world.write({**key("a"), **attributes})
    load(world)
    world.require_equal()


@pytest.mark.parametrize("load", PRODUCT)
def test_16_attributes_keep_their_names(load: Load) -> None:
    check_names(load)


def without_helper_column(items: list[Item]) -> Iterable[Item]:
    for item in items:
        yield {name: value for name, value in {**item, "random_id": {"N": "0.5"}}.items() if name != "random_id"}


def without_case(items: list[Item]) -> Iterable[Item]:
    for item in items:
        yield {name.lower(): value for name, value in item.items()}


@pytest.mark.parametrize("frame", [without_helper_column, without_case])
def test_16_columns_with_names_of_their_own_are_caught(frame: Frame) -> None:
    with pytest.raises(AssertionError):
        check_names(by_frame(frame))


@pytest.mark.parametrize("check", [check_types, check_mixed_types, check_names])
def test_a_load_that_alters_nothing_passes_these_checks(check: Callable[[Load], None]) -> None:
    check(by_frame(lambda items: [with_bytes(with_base64(item)) for item in items]))
