from __future__ import annotations

from typing import Any

import pytest

from ddb_migration.core.control_record import OPEN, ControlRecord, MigrationStopped
from ddb_migration.core.cut_over_order import FENCED, UNFENCED
from ddb_migration.core.direction import FORWARD, REVERSE
from ddb_migration.core.reverse_record import OWN, PREFIX, epoch_of, of_reverse, reverse_epoch, reverse_record

OPENED: dict[str, Any] = {"epoch": "e1", "status": OPEN, "execution": "x", "stream_arn": "forward", "barrier_at": 5.0}
CUT_OVER = {**OPENED, "cut_over_form": FENCED, "cut_over_started": 8.0, "cut_over_at": 9.0, "verified_at": 7.0}


def test_each_way_has_its_own_words() -> None:
    forward, reverse = vars(FORWARD), vars(REVERSE)
    assert [name for name in forward if forward[name] == reverse[name]] == []


def test_what_each_path_has_for_itself_is_a_field_of_the_record() -> None:
    assert set(ControlRecord.__dataclass_fields__) >= OWN


def test_before_an_epoch_there_is_none_of_the_reverse_path() -> None:
    assert reverse_record({}) == ControlRecord(direction=REVERSE)


def test_the_reverse_path_shares_what_is_the_migrations_and_has_the_rest_for_itself() -> None:
    row = {**CUT_OVER, "incomplete": "a gap", "tombstone": True, "changed_shards": 8, "completing": "keep"}
    own: dict[str, Any] = {f"{PREFIX}stream_arn": "reverse", f"{PREFIX}captured_from": 6.0}
    assert reverse_record({**row, **own}) == ControlRecord(
        direction=REVERSE,
        epoch="e1-reverse",
        status=OPEN,
        execution="x",
        tombstone=True,
        changed_shards=8,
        completing="keep",
        stream_arn="reverse",
        captured_from=6.0,
        barrier_at=9.0,
        verified_at=9.0,
    )


@pytest.mark.parametrize("row", [OPENED, {**CUT_OVER, "cut_over_form": UNFENCED}])
def test_until_a_fenced_cut_over_the_reverse_path_stands_by(row: dict[str, Any]) -> None:
    record = reverse_record(row)
    assert record.stands_by
    with pytest.raises(MigrationStopped, match="changes wait in the queue"):
        record.require_apply()


def test_from_the_cut_over_on_changes_are_applied_until_the_roll_back() -> None:
    record = reverse_record(CUT_OVER)
    assert not record.stands_by
    record.require_apply()
    rolled_back = {**CUT_OVER, f"{PREFIX}cut_over_at": 20.0, f"{PREFIX}cut_over_form": FENCED}
    with pytest.raises(MigrationStopped, match="has rolled back: changes of the destination are applied no more"):
        reverse_record(rolled_back).require_apply()
    assert ControlRecord.of(rolled_back).is_rolled_back
    assert not ControlRecord.of(CUT_OVER).is_rolled_back


def test_the_forward_path_never_stands_by() -> None:
    assert not ControlRecord.of({"epoch": "e1", "status": OPEN}).stands_by


def test_an_epoch_of_the_reverse_path_tells_the_migrations() -> None:
    assert epoch_of(reverse_epoch("e1")) == "e1"
    assert reverse_epoch("e1") != "e1"


def test_an_expression_speaks_of_the_reverse_paths_own_attributes() -> None:
    assert of_reverse("SET #cut_over_at = :now REMOVE #task_token") == (
        "SET #reverse_cut_over_at = :now REMOVE #reverse_task_token"
    )
    assert of_reverse("#execution = :execution AND #status = :open") == "#execution = :execution AND #status = :open"
