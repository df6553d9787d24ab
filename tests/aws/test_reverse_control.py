"""The control record as the reverse path writes to it: one row, two paths."""

from __future__ import annotations

import pytest

from ddb_migration.aws.control_table import BACK, CHECKED, FLIP, ControlTable, ReverseControl
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from ddb_migration.core.cut_over_order import CutOverOrder
from ddb_migration.core.direction import REVERSE
from tests.aws.conftest import Client

EXECUTION, OTHER = "arn:execution:1", "arn:execution:2"


@pytest.fixture
def reverse(control: ControlTable, client: Client, name: str) -> ReverseControl:
    control.open_epoch("e1", EXECUTION, "arn:stream", 100.0)
    reverse = ReverseControl(client("dynamodb"), f"{name}-control")
    reverse.set_once(EXECUTION, stream_arn="arn:reverse", captured_from=150.0)
    return reverse


def cut_over(control: ControlTable) -> None:
    control.begin_cut_over(EXECUTION, CutOverOrder(accepted_sample="1", accepted_by="alice"), 190.0)
    control.set(EXECUTION, cut_over_step=CHECKED, cut_over_go=FLIP)
    control.set_once(EXECUTION, prepared_at=191.0, fenced_at=192.0, apply_stopped_at=193.0)
    control.note_cut_over(EXECUTION, 190.0, 200.0)


def test_both_paths_keep_what_is_their_own(control: ControlTable, reverse: ReverseControl) -> None:
    forward = control.read()
    assert (forward.stream_arn, forward.captured_from, forward.reverse_stream_arn) == ("arn:stream", 100, "arn:reverse")
    record = reverse.read()
    assert (record.stream_arn, record.captured_from, record.direction) == ("arn:reverse", 150, REVERSE)
    assert record.stands_by


def test_the_reverse_path_applies_from_the_cut_over_on(control: ControlTable, reverse: ReverseControl) -> None:
    cut_over(control)
    record = reverse.read()
    assert (record.barrier_at, record.stands_by, record.is_cut_over) == (200, False, False)


def test_a_roll_back_leaves_the_cut_over_as_it_was(control: ControlTable, reverse: ReverseControl) -> None:
    cut_over(control)
    before = control.read()
    reverse.set(EXECUTION, task_token="token")
    begun = reverse.begin_cut_over(EXECUTION, CutOverOrder(timeout_seconds=77), 300.0)
    assert (begun.cut_over_started, begun.cut_over_timeout, begun.task_token) == (300, 77, None)
    assert control.read() == before
    reverse.turn_back(EXECUTION, 300.0, "a doubt", 310.0)
    assert reverse.read().cut_over_step == BACK
    reverse.forget_cut_over(EXECUTION, 300.0)
    given_up = reverse.read()
    assert (given_up.cut_over_started, given_up.cut_over_step, given_up.cut_over_refused) == (None, None, "a doubt")
    assert control.read() == before
    reverse.begin_cut_over(EXECUTION, CutOverOrder(), 400.0)
    assert reverse.note_cut_over(EXECUTION, 400.0, 500.0).is_cut_over
    assert control.read().is_rolled_back
    assert control.read().cut_over_at == 200


def test_the_reverse_path_is_guarded_as_the_migration_is(control: ControlTable, reverse: ReverseControl) -> None:
    with pytest.raises(MigrationStopped, match="another execution runs this migration"):
        reverse.set_once(OTHER, settled_at=1.0)
    control.bury()
    with pytest.raises(MigrationStopped, match="removed with its stack"):
        reverse.set_once(EXECUTION, settled_at=1.0)


def test_an_outage_and_a_gap_are_noted_on_their_own_path(control: ControlTable, reverse: ReverseControl) -> None:
    before = control.read()
    reverse.note_apply_failing("Throttled", 300.0)
    reverse.note_incomplete("e1-reverse", "a gap", 310.0)
    record = reverse.read()
    assert (record.apply_failing_since, record.incomplete, record.incomplete_at) == (300, "a gap", 310)
    reverse.note_apply_works(300.0)
    assert reverse.read().apply_failing_since is None
    assert control.read() == before


def test_a_gap_of_an_epoch_that_has_ended_is_no_matter(control: ControlTable, reverse: ReverseControl) -> None:
    reverse.note_incomplete("e0-reverse", "a gap", 310.0)
    assert reverse.read().incomplete is None


def test_a_new_epoch_starts_without_a_reverse_path(control: ControlTable, reverse: ReverseControl) -> None:
    reverse.set_once(EXECUTION, settled_at=1.0, ready_at=2.0)
    reverse.begin_cut_over(EXECUTION, CutOverOrder(group="g"), 300.0)
    reverse.note_cut_over(EXECUTION, 300.0, 400.0)
    control.set(EXECUTION, rollback_until=500.0)
    control.begin_abort(str(control.read().epoch))
    control.close(str(control.read().epoch))
    opened = control.open_epoch("e2", OTHER, "arn:stream", 600.0, "e1")
    assert opened == ControlRecord(
        epoch="e2", status="open", execution=OTHER, stream_arn="arn:stream", captured_from=600
    )
    record = reverse.read()
    assert record == ControlRecord(direction=REVERSE, epoch="e2-reverse", status="open", execution=OTHER)
