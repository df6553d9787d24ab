"""Seeding and the live writers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.items import HostileItems
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.seeding import SeedingFailed, seed
from ddb_migration_construct.rehearsal.write_plan import WritePlan
from ddb_migration_construct.rehearsal.writers import WriterFailed, Writers
from tests.fakes.client_errors import client_error
from tests.rehearsal.fakes import FakeTables

ITEMS = HostileItems(7, KeyShape.parse("sn"))


def acts(writer: int = 0, count: int = 1000, population: int = 50) -> list[list[str]]:
    plan = itertools.islice(WritePlan(ITEMS, population, writer), count)
    return [[write.method for write in act] for act in plan]


def test_a_plan_is_the_same_from_the_same_seed() -> None:
    one, other = (list(itertools.islice(WritePlan(ITEMS, 50, 0), 100)) for _ in range(2))
    assert one == other
    assert one != list(itertools.islice(WritePlan(ITEMS, 50, 1), 100))


def test_a_plan_holds_every_kind_of_act() -> None:
    kinds = {tuple(act) for act in acts()}
    assert {("put_item",), ("update_item",), ("delete_item",)} <= kinds
    assert ("put_item", "delete_item", "put_item") in kinds
    assert ("put_item", "put_item", "put_item") in kinds
    assert ("update_item", "put_item", "update_item", "update_item") in kinds


def test_there_and_back_ends_with_what_it_began_with() -> None:
    plan = itertools.islice(WritePlan(ITEMS, 50, 0), 1000)
    triples = [act for act in plan if [write.method for write in act] == ["put_item"] * 3]
    assert triples
    assert all(act[0] == act[2] != act[1] for act in triples)


def test_writers_share_keys_and_reach_new_ones() -> None:
    keys = [_keys(writer) for writer in (0, 1)]
    new = {repr(ITEMS.key(index)) for index in range(50, 56)}
    assert len(keys[0] & keys[1]) > 20
    assert keys[0] & new


def _keys(writer: int) -> set[str]:
    plan = itertools.islice(WritePlan(ITEMS, 50, writer), 1000)
    found = [write.arguments.get("Key") or write.arguments["Item"] for act in plan for write in act]
    return {repr({name: item[name] for name in ("hash", "range")}) for item in found}


@pytest.mark.parametrize("count", [0, 1, 25, 26, 101])
def test_seeding_writes_every_item_although_some_stay_unprocessed(count: int) -> None:
    tables, progress = FakeTables(unprocessed_every=2), list[int]()
    seed(tables, "source", ITEMS, count, progress.append)
    written = tables.tables["source"].values()
    assert sorted(map(repr, written)) == sorted(repr(ITEMS.item(index)) for index in range(count))
    assert all(call["size"] <= 25 for method, call in tables.calls if method == "batch_write_item")
    assert not count or progress[-1] == count


def test_only_the_last_thousand_items_are_in_the_stream() -> None:
    tables = FakeTables()
    seed(tables, "source", ITEMS, 1030)
    streams = [
        call["StreamSpecification"]["StreamEnabled"] for method, call in tables.calls if method == "update_table"
    ]
    assert streams == [False, True]
    done = [method for method, _ in tables.calls if method in ("update_table", "batch_write_item")]
    assert done == ["update_table", *["batch_write_item"] * 2, "update_table", *["batch_write_item"] * 40]
    assert len(tables.tables["source"]) == 1030


def test_a_table_without_a_stream_stays_without() -> None:
    tables = FakeTables(stream={"StreamEnabled": False})
    seed(tables, "source", ITEMS, 1001)
    assert "update_table" not in [method for method, _ in tables.calls]


def test_seeding_fails_when_items_stay_unprocessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddb_migration_construct.rehearsal.seeding._ATTEMPTS", 2)
    with pytest.raises(SeedingFailed, match="left 1 items unwritten after 2 attempts"):
        seed(FakeTables(unprocessed_every=1), "source", ITEMS, 1)


def test_writers_keep_their_joint_rate_and_count_their_writes() -> None:
    tables = FakeTables()
    with Writers(tables, "source", ITEMS, population=50, writes_per_second=100) as writers:
        time.sleep(1.0)
        written = writers.stop()
    assert written == len(tables.calls)
    assert 60 <= written <= 130
    assert {call["TableName"] for _, call in tables.calls} == {"source"}


def test_no_writes_at_a_rate_of_zero() -> None:
    with Writers(FakeTables(), "source", ITEMS, population=50, writes_per_second=0) as writers:
        assert writers.stop() == 0


def test_nothing_is_written_after_the_writers_have_stopped() -> None:
    tables = FakeTables()
    with Writers(tables, "source", ITEMS, population=50, writes_per_second=500) as writers:
        time.sleep(0.1)
    written = len(tables.calls)
    time.sleep(0.1)
    assert len(tables.calls) == written == writers.writes


class BrokenTables(FakeTables):
    """Refuses every put."""

    def put_item(self, **request: Any) -> dict[str, Any]:
        raise RuntimeError("the table is gone")


def test_a_failed_writer_is_told() -> None:
    with Writers(BrokenTables(), "source", ITEMS, population=50, writes_per_second=500) as writers:
        time.sleep(0.2)
        with pytest.raises(WriterFailed, match="the table is gone"):
            writers.check()
        with pytest.raises(WriterFailed, match="the table is gone"):
            writers.stop()


class FencedTables(FakeTables):
    """One table denies writes while there is a fence."""

    fenced: str | None = None

    def put_item(self, **request: Any) -> dict[str, Any]:
        self._judge(request)
        return super().put_item(**request)

    def delete_item(self, **request: Any) -> dict[str, Any]:
        self._judge(request)
        return super().delete_item(**request)

    def update_item(self, **request: Any) -> dict[str, Any]:
        self._judge(request)
        return super().update_item(**request)

    def _judge(self, request: dict[str, Any]) -> None:
        if request["TableName"] == self.fenced:
            raise client_error("PutItem", "AccessDeniedException", "explicit deny")


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_a_denied_write_is_counted_and_the_writers_go_on_at_the_destination() -> None:
    tables = FencedTables()
    with Writers(tables, "source", ITEMS, population=50, writes_per_second=500) as writers:
        until(lambda: writers.writes > 10)
        tables.fenced = "source"
        until(lambda: len(writers.refusals) > 5)
        writers.hold()
        held, refused = writers.writes, len(writers.refusals)
        time.sleep(0.1)
        assert (writers.writes, len(writers.refusals)) == (held, refused)
        writers.switch_to("destination")
        until(lambda: writers.writes > held + 10)
        assert tables.tables["destination"]
        assert refused
        assert writers.refusals == []
        writers.check()


def test_writers_go_there_and_back_and_what_each_key_was_answered_last_is_known() -> None:
    tables = FencedTables()
    with Writers(tables, "source", ITEMS, population=50, writes_per_second=1000) as writers:
        until(lambda: writers.writes > 50)
        writers.hold()
        tables.tables["destination"] = dict(tables.tables["source"])
        assert writers.answered.lost(tables.tables["source"]) == 0
        writers.switch_to("destination")
        until(lambda: writers.writes > 100)
        writers.may_be_denied = True
        tables.fenced = "destination"
        until(lambda: len(writers.refusals) > 5)
        writers.hold()
        assert writers.answered.lost(tables.tables["destination"]) == 0
        assert writers.answered.lost(tables.tables["source"]) > 0
        writers.switch_to("source")
        until(lambda: writers.writes > 150)
        writers.check()


def test_a_destination_that_denies_is_an_error() -> None:
    tables = FencedTables()
    with Writers(tables, "other", ITEMS, population=50, writes_per_second=500) as writers:
        until(lambda: writers.writes > 10)
        writers.hold()
        tables.fenced = "source"
        writers.switch_to("source")
        until(lambda: writers._failure is not None)
        with pytest.raises(WriterFailed, match="explicit deny"):
            writers.check()


def test_writers_that_are_held_end_at_once_and_write_nothing_more() -> None:
    tables = FakeTables()
    began = time.monotonic()
    with Writers(tables, "source", ITEMS, population=50, writes_per_second=500) as writers:
        until(lambda: writers.writes > 10)
        writers.hold()
        held = writers.writes
        assert writers.stop() == held
    assert time.monotonic() - began < 10
