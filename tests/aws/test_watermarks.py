from __future__ import annotations

from collections.abc import Callable

import pytest

from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.item_key import canonical_key, watermark_id
from ddb_migration.core.watermark import mark, mark_above
from ddb_migration.names import CHANGED_IN, CHANGED_INDEX, PARKED_EPOCH, RAISED_AT

KEY = {"pk": {"B": "AP8="}, "sk": {"N": "1.0"}}
SAME = {"sk": {"N": "1"}, "pk": {"B": "AP8="}}
EPOCH = "e1"


@pytest.fixture
def watermarks(control: ControlTable) -> Watermarks:
    return Watermarks(control.rows, "arn:stream", lambda: 50.0)


def number(of: int) -> str:
    return mark(str(of))


def row(control: ControlTable, stream: str = "arn:stream") -> dict[str, object]:
    return control.rows.get(watermark_id(stream, KEY), "watermark")


def test_a_watermark_rises_and_never_falls(control: ControlTable, watermarks: Watermarks) -> None:
    assert watermarks.raise_to(KEY, number(10))
    assert watermarks.raise_to(SAME, number(10)), "an attempt that died before its write is repeated"
    assert not watermarks.raise_to(SAME, number(9))
    assert watermarks.raise_to(KEY, number(100))
    assert not watermarks.raise_to(KEY, number(99))
    assert row(control) == {"number": number(100), "item_key": canonical_key(KEY), "at": 50, "changed_in": "0#0"}


def test_a_reread_refuses_its_own_change_and_not_the_next(watermarks: Watermarks) -> None:
    assert watermarks.raise_to(KEY, mark_above("10"))
    assert watermarks.raise_to(KEY, mark_above("10"))
    assert not watermarks.raise_to(KEY, number(10))
    assert watermarks.raise_to(KEY, number(11))
    assert not watermarks.raise_to(KEY, mark_above("10"))


def test_another_stream_has_watermarks_of_its_own(control: ControlTable, watermarks: Watermarks) -> None:
    assert watermarks.raise_to(KEY, number(10))
    assert Watermarks(control.rows, "arn:other", lambda: 0.0).raise_to(KEY, number(1))
    assert row(control)["number"] == number(10)


def test_a_parked_key_is_kept_with_its_reason_until_a_newer_change(
    control: ControlTable, watermarks: Watermarks
) -> None:
    watermarks.raise_to(KEY, number(10))
    watermarks.park(KEY, EPOCH, "too large", number(10))
    assert row(control)["parked_reason"] == "too large"
    assert control.parked(EPOCH) == 1
    assert not watermarks.raise_to(KEY, number(9))
    assert control.parked(EPOCH) == 1
    assert watermarks.raise_to(KEY, number(11))
    assert control.parked(EPOCH) == 0
    assert "parked_reason" not in row(control)


@pytest.mark.parametrize("mark_of", [mark, mark_above], ids=["change", "reread"])
@pytest.mark.parametrize("late_since", [None, 40.0])
def test_a_call_that_takes_effect_late_leaves_a_parked_key_parked(
    control: ControlTable, watermarks: Watermarks, mark_of: Callable[[str], str], late_since: float | None
) -> None:
    """Its client gave it up and repeated it, and then the destination rejected the write."""
    watermarks.raise_to(KEY, mark_of("10"), late_since)
    watermarks.park(KEY, EPOCH, "too large", mark_of("10"))
    assert not watermarks.raise_to(KEY, mark_of("10"), late_since)
    assert control.parked(EPOCH) == 1
    assert watermarks.accept(KEY, EPOCH, "obsolete", "ann")
    assert not watermarks.raise_to(KEY, mark_of("10"), late_since)
    assert row(control)["accepted_reason"] == "obsolete"
    assert PARKED_EPOCH in row(control)
    assert watermarks.raise_to(KEY, number(11), late_since)
    assert PARKED_EPOCH not in row(control)


def test_a_reread_that_stands_for_the_change_settles_a_parked_key(
    control: ControlTable, watermarks: Watermarks
) -> None:
    watermarks.raise_to(KEY, number(10))
    watermarks.park(KEY, EPOCH, "too large", number(10))
    assert watermarks.raise_to(KEY, mark_above("10"))
    assert control.parked(EPOCH) == 0


def test_what_a_newer_change_has_settled_is_not_parked(control: ControlTable, watermarks: Watermarks) -> None:
    watermarks.raise_to(KEY, number(11))
    watermarks.park(KEY, EPOCH, "too large", number(10))
    assert control.parked(EPOCH) == 0


def test_an_item_of_the_bulk_load_is_parked_without_a_number(control: ControlTable, watermarks: Watermarks) -> None:
    watermarks.park(KEY, EPOCH, "too large")
    assert control.parked(EPOCH) == 1
    assert "number" not in row(control)
    assert watermarks.raise_to(KEY, number(1))
    assert control.parked(EPOCH) == 0


def test_a_reread_of_no_change_unparks_and_leaves_the_watermark(control: ControlTable, watermarks: Watermarks) -> None:
    watermarks.raise_to(KEY, number(10))
    watermarks.park(KEY, EPOCH, "too large", number(10))
    watermarks.unpark(SAME)
    assert control.parked(EPOCH) == 0
    assert row(control)["number"] == number(10)


def changed(control: ControlTable, partition: str, after: float = 0.0) -> list[str]:
    """The keys that the index shows in one partition."""
    found: list[str] = []
    start = None
    while True:
        page = control.rows.page(CHANGED_INDEX, (CHANGED_IN, partition), (RAISED_AT, after), start)
        found += (row["item_key"] for row in page.rows)
        if page.next is None:
            return found
        start = page.next


def test_a_raise_puts_the_key_into_the_index_of_changed_keys(control: ControlTable) -> None:
    moment = [600.5]
    watermarks = Watermarks(control.rows, "arn:stream", lambda: moment[0])
    keys = [{"pk": {"S": f"k{place}"}} for place in range(8)]
    for place, key in enumerate(keys):
        moment[0] = 600.5 + place
        assert watermarks.raise_to(key, number(1))
    assert changed(control, "2#0") == [canonical_key(key) for key in keys]
    assert changed(control, "2#0", 605.5) == [canonical_key(key) for key in keys[5:]]
    assert changed(control, "1#0") == changed(control, "3#0") == []


def test_the_next_change_moves_the_key_to_its_own_moment(control: ControlTable) -> None:
    moment = [600.0]
    watermarks = Watermarks(control.rows, "arn:stream", lambda: moment[0])
    watermarks.raise_to(KEY, number(1))
    moment[0] = 900.0
    assert not watermarks.raise_to(KEY, number(0))
    assert changed(control, "2#0") == [canonical_key(KEY)], "what is stale moves nothing"
    watermarks.raise_to(KEY, number(1))
    assert changed(control, "2#0") == []
    assert changed(control, "3#0") == [canonical_key(KEY)]


def test_what_the_bulk_load_parked_has_not_changed(control: ControlTable, watermarks: Watermarks) -> None:
    watermarks.park(KEY, EPOCH, "too large")
    assert changed(control, "0#0") == []


def test_shards_part_the_keys_of_one_moment(control: ControlTable) -> None:
    watermarks = Watermarks(control.rows, "arn:stream", lambda: 600.0, shards=4)
    keys = [{"pk": {"S": f"k{place}"}} for place in range(12)]
    for key in keys:
        watermarks.raise_to(key, number(1))
    shards = [changed(control, f"2#{shard}") for shard in range(4)]
    assert sorted(key for shard in shards for key in shard) == sorted(map(canonical_key, keys))
    assert sum(map(bool, shards)) > 1
