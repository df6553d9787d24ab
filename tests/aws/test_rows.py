from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ddb_migration.aws.rows import ConditionFailed, Rows
from ddb_migration.names import PARKED_EPOCH, PARKED_INDEX


def test_plain_values_come_back_plain(rows: Rows) -> None:
    values = {"text": "a", "whole": 3, "fraction": 1.5, "flag": True, "large": 1_790_000_000.25}
    sets = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
    assert rows.update("p", "s", sets, values) == values
    assert rows.get("p", "s") == values
    assert rows.get("p", "other") == {}


def test_a_condition_that_does_not_hold_tells_what_stood_there(rows: Rows) -> None:
    rows.update("p", "s", "SET #a = :a", {"a": 1})
    with pytest.raises(ConditionFailed) as refused:
        rows.update("p", "s", "SET #a = :a", {"a": 2}, "attribute_not_exists(#a)")
    assert refused.value.row == {"a": 1}
    with pytest.raises(ConditionFailed) as refused:
        rows.update("p", "none", "SET #a = :a", {"a": 2}, "attribute_exists(#a)")
    assert refused.value.row == {}
    assert rows.get("p", "s") == {"a": 1}
    assert rows.get("p", "none") == {}


def test_conditions_compare_and_combine(rows: Rows) -> None:
    rows.update("p", "s", "SET #n = :n, #t = :t", {"n": 5, "t": "0009"})
    rows.update("p", "s", "SET #n = :n", {"n": 6, "t": "0009"}, "attribute_not_exists(#n) OR #t <= :t")
    rows.update("p", "s", "SET #n = :n", {"n": 7, "t": "0010"}, "#t <= :t AND attribute_exists(#n)")
    for never in ("#t <= :t", "#missing <= :t", "#n = :t", "attribute_exists(#n) AND #t <= :t"):
        with pytest.raises(ConditionFailed):
            rows.update("p", "s", "SET #n = :n", {"n": 8, "t": "0008"}, never)
    assert rows.get("p", "s")["n"] == 7


def test_values_that_stand_can_be_kept_added_to_and_removed(rows: Rows) -> None:
    rows.update("p", "s", "SET #a = if_not_exists(#a, :a) ADD #c :c", {"a": 1, "c": 2})
    rows.update("p", "s", "SET #a = if_not_exists(#a, :a) ADD #c :c", {"a": 9, "c": 3})
    assert rows.get("p", "s") == {"a": 1, "c": 5}
    assert rows.update("p", "s", "REMOVE #a, #never", {}) == {"c": 5}


def test_a_partition_is_read_to_its_last_page_in_order(rows: Rows) -> None:
    for number in range(8):
        rows.update("p", f"s{number}", "SET #n = :n", {"n": number})
    rows.update("other", "s", "SET #n = :n", {"n": 99})
    assert list(rows.query("p")) == [(f"s{number}", {"n": number}) for number in range(8)]
    assert list(rows.query("empty")) == []


def test_the_sparse_index_counts_what_is_in_it(rows: Rows) -> None:
    for number in range(7):
        rows.update(f"p{number}", "s", f"SET #{PARKED_EPOCH} = :e", {"e": "e1" if number < 5 else "e2"})
    rows.update("p0", "s", f"REMOVE #{PARKED_EPOCH}", {})
    assert rows.count(PARKED_INDEX, PARKED_EPOCH, "e1") == 4
    assert rows.count(PARKED_INDEX, PARKED_EPOCH, "e2") == 2
    assert rows.count(PARKED_INDEX, PARKED_EPOCH, "e3") == 0


def test_a_probe_writes_nothing(rows: Rows) -> None:
    rows.probe()
    assert rows.get("probe", "probe") == {}


def test_an_update_that_is_no_update_is_the_services_error(rows: Rows) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        rows.update("p", "s", "SET #a = :missing", {})
