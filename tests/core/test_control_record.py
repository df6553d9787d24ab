from __future__ import annotations

import pytest

from ddb_migration.core.control_record import ABORTING, CLOSED, OPEN, ControlRecord, MigrationStopped

OPENED = ControlRecord(epoch="e1", status=OPEN)


def test_a_record_that_was_never_written_is_closed() -> None:
    record = ControlRecord.of({})
    assert (record.status, record.is_open) == (CLOSED, False)


def test_attributes_of_a_newer_version_are_left_out() -> None:
    assert ControlRecord.of({"epoch": "e1", "status": OPEN, "of_tomorrow": 1}) == OPENED


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (ControlRecord(), "closed"),
        (ControlRecord(epoch="e1", status=ABORTING), "aborting"),
        (ControlRecord(epoch="e1", status=OPEN, tombstone=True), "removed with its stack"),
        (ControlRecord(epoch="e2", status=OPEN), "epoch e1 has ended"),
    ],
)
def test_nothing_is_done_for_an_epoch_that_is_not_open(record: ControlRecord, why: str) -> None:
    with pytest.raises(MigrationStopped, match=why):
        record.require_open("e1")
    with pytest.raises(MigrationStopped, match=why):
        record.require_bulk_load("e1")


def test_an_open_epoch_is_loaded_until_the_barrier_and_applied_behind_it() -> None:
    OPENED.require_open()
    OPENED.require_bulk_load("e1")
    with pytest.raises(MigrationStopped, match="changes wait in the queue"):
        OPENED.require_apply()
    at_barrier = ControlRecord(epoch="e1", status=OPEN, apply_started=1.0)
    with pytest.raises(MigrationStopped, match="no bulk write may follow"):
        at_barrier.require_bulk_load("e1")
    with pytest.raises(MigrationStopped, match="changes wait in the queue"):
        at_barrier.require_apply()
    ControlRecord(epoch="e1", status=OPEN, apply_started=1.0, barrier_at=2.0).require_apply()


@pytest.mark.parametrize("changed", [{"status": ABORTING}, {"status": OPEN, "tombstone": True}, {"status": CLOSED}])
def test_nothing_is_applied_when_the_epoch_is_ending(changed: dict[str, object]) -> None:
    with pytest.raises(MigrationStopped):
        ControlRecord.of({"epoch": "e1", "barrier_at": 2.0, **changed}).require_apply()
