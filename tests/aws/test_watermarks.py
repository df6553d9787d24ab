from __future__ import annotations

import pytest

from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.item_key import canonical_key, watermark_id
from ddb_migration.core.watermark import mark, mark_above

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
    assert row(control) == {"number": number(100), "item_key": canonical_key(KEY), "at": 50}


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
