from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ddb_migration.aws.control_table import BACK, CHECKED, FLIP, ControlTable
from ddb_migration.core.control_record import ABORTING, CLOSED, OPEN, ControlRecord, MigrationStopped
from ddb_migration.core.cut_over_order import FENCED, UNFENCED, CutOverOrder

EXECUTION, OTHER = "arn:execution:1", "arn:execution:2"


def opened(control: ControlTable, epoch: str = "e1", execution: str = EXECUTION) -> ControlRecord:
    return control.open_epoch(epoch, execution, "arn:stream", 100.0, control.read().epoch)


def test_an_epoch_is_opened_where_none_is(control: ControlTable) -> None:
    assert control.read() == ControlRecord()
    expected = ControlRecord(epoch="e1", status=OPEN, execution=EXECUTION, stream_arn="arn:stream", captured_from=100)
    assert opened(control) == expected
    assert control.read() == expected


def test_a_second_epoch_is_refused_while_one_is_open_or_ending(control: ControlTable) -> None:
    opened(control)
    with pytest.raises(MigrationStopped, match=f"another execution runs this migration: {EXECUTION}"):
        opened(control, "e2", OTHER)
    control.begin_abort(str(control.read().epoch))
    with pytest.raises(MigrationStopped, match="aborting"):
        opened(control, "e2", OTHER)
    assert control.read().epoch == "e1"


def test_a_new_epoch_starts_without_what_the_old_one_wrote(control: ControlTable) -> None:
    opened(control)
    written = {
        "bulk_load": "direct",
        "plan": "{}",
        "export_time": 1,
        "export_arn": "arn:export",
        "settled_at": 1,
        "bulk_loaded_at": 2,
        "apply_started": 3,
        "barrier_at": 4,
        "trigger_enabled_at": 5,
        "drained_at": 6,
        "max_read_units_per_second": 7,
    }
    control.set_once(EXECUTION, **written)
    control.note_mappings_removed(str(control.read().epoch), 8.0)
    control.begin_abort(str(control.read().epoch))
    control.close(str(control.read().epoch))
    assert control.read().status == CLOSED
    record = opened(control, "e2", OTHER)
    assert record == ControlRecord(epoch="e2", status=OPEN, execution=OTHER, stream_arn="arn:stream", captured_from=100)
    assert control.read() == record


def test_what_takes_effect_late_of_an_ending_touches_no_epoch_that_was_opened_since(control: ControlTable) -> None:
    control.open_epoch("e1", "execution-1", "arn:stream", 1.0)
    control.begin_abort("e1")
    control.close("e1")
    control.open_epoch("e2", "execution-2", "arn:stream", 2.0, after="e1")
    with pytest.raises(MigrationStopped):
        control.begin_abort("e1")
    with pytest.raises(MigrationStopped):
        control.begin_abort("e1", even_after_cut_over=True)
    with pytest.raises(MigrationStopped):
        control.note_mappings_removed("e1", 3.0)
    record = control.begin_abort("e2")
    with pytest.raises(MigrationStopped):
        control.close("e1")
    assert (record.mappings_removed_at, control.read().status) == (None, ABORTING)


def test_only_the_holder_goes_on(control: ControlTable) -> None:
    opened(control)
    assert control.enter(EXECUTION, "Settle").phase == "Settle"
    refusals: tuple[Callable[[], object], ...] = (
        lambda: control.enter(OTHER, "Barrier"),
        lambda: control.set_once(OTHER, settled_at=1),
        lambda: control.forget_export(OTHER),
        lambda: control.take_over("arn:execution:3", OTHER),
        lambda: control.take_over("arn:execution:3", None),
    )
    for refused in refusals:
        with pytest.raises(MigrationStopped, match="another execution"):
            refused()
    assert control.read().phase == "Settle"
    assert control.read().settled_at is None
    assert control.take_over(OTHER, EXECUTION).execution == OTHER
    assert control.enter(OTHER, "Barrier").phase == "Barrier"
    with pytest.raises(MigrationStopped, match="another execution"):
        control.enter(EXECUTION, "Settle")


@pytest.mark.parametrize("ending", ["abort", "tombstone"])
def test_nobody_goes_on_when_the_epoch_is_ending(control: ControlTable, ending: str) -> None:
    opened(control)
    control.begin_abort(str(control.read().epoch)) if ending == "abort" else control.bury()
    refusals: tuple[Callable[[], object], ...] = (
        lambda: control.enter(EXECUTION, "Barrier"),
        lambda: control.set_once(EXECUTION, barrier_at=1),
        lambda: control.forget_export(EXECUTION),
        lambda: control.take_over(OTHER, EXECUTION),
    )
    for refused in refusals:
        with pytest.raises(MigrationStopped, match="aborting" if ending == "abort" else "removed with its stack"):
            refused()
    assert control.read().barrier_at is None


def test_an_opening_whose_answer_was_lost_is_no_second_one(control: ControlTable) -> None:
    assert opened(control) == opened(control)
    assert opened(control, "e2").epoch == "e1"


def test_what_is_written_once_stays(control: ControlTable) -> None:
    opened(control)
    assert control.set_once(EXECUTION, settled_at=5, plan="first").settled_at == 5
    record = control.set_once(EXECUTION, settled_at=9, plan="second", barrier_at=7)
    assert (record.settled_at, record.plan, record.barrier_at) == (5, "first", 7)


def test_a_failed_export_is_forgotten(control: ControlTable) -> None:
    opened(control)
    control.set_once(EXECUTION, export_time=5, export_arn="arn:export", settled_at=1)
    record = control.forget_export(EXECUTION)
    assert (record.export_time, record.export_arn, record.settled_at) == (None, None, 1)


def test_an_abort_can_be_begun_again_and_not_without_an_epoch(control: ControlTable) -> None:
    with pytest.raises(MigrationStopped, match="closed, not open"):
        control.begin_abort(str(control.read().epoch))
    opened(control)
    assert control.begin_abort(str(control.read().epoch)).status == ABORTING
    assert control.begin_abort(str(control.read().epoch)).status == ABORTING


def test_a_tombstone_forbids_every_later_epoch(control: ControlTable) -> None:
    control.bury()
    with pytest.raises(MigrationStopped, match="removed with its stack"):
        opened(control)
    assert control.read().epoch is None


# --- the cut-over ----------------------------------------------------------------------------------------------

ORDER = CutOverOrder(FENCED, 180, "group")


@pytest.fixture
def cutting(control: ControlTable) -> ControlTable:
    control.open_epoch("e1", "one", "arn:stream", 1.0)
    control.begin_cut_over("one", ORDER, 5.0)
    return control


def test_an_order_is_recorded_once(cutting: ControlTable) -> None:
    record = cutting.begin_cut_over("one", CutOverOrder(UNFENCED, 600), 9.0)
    assert (record.cut_over_started, record.cut_over_form, record.cut_over_timeout) == (5.0, FENCED, 180)
    assert (record.cut_over_group, record.task_token) == ("group", None)


def test_the_sample_that_an_order_accepts_goes_with_it(control: ControlTable) -> None:
    control.open_epoch("e1", "one", "arn:stream", 1.0)
    order = CutOverOrder(accepted_sample="by-hand-1", accepted_by="arn:ann")
    record = control.begin_cut_over("one", order, 5.0)
    assert (record.accepted_sample, record.accepted_by, record.cut_over_started) == ("by-hand-1", "arn:ann", 5.0)
    control.turn_back("one", 5.0, "a doubt", 5.5)
    record = control.forget_cut_over("one", 5.0)
    assert (record.accepted_sample, record.accepted_by) == (None, None)
    control.begin_cut_over("one", order, 6.0)
    control.note_cut_over("one", 6.0, 6.5)
    control.ask_to_complete("keep")
    control.note_complete(7.0)
    assert control.open_epoch("e2", "one", "arn:stream", 8.0, "e1").accepted_sample is None


def test_a_cut_over_turns_back_and_leaves_only_the_reason(cutting: ControlTable) -> None:
    cutting.set("one", prepared_at=6.0, cut_over_step=CHECKED)
    assert cutting.turn_back("one", 5.0, "too slow", 7.0).cut_over_step == BACK
    record = cutting.forget_cut_over("one", 5.0)
    assert record == replace(record, cut_over_started=None, cut_over_form=None, prepared_at=None, cut_over_step=None)
    assert (record.cut_over_refused, record.cut_over_refused_at) == ("too slow", 7.0)


def test_the_first_reason_to_turn_back_stays(cutting: ControlTable) -> None:
    """Another call of the same switch meets the fence that is being lifted, and takes it for somebody's deed."""
    cutting.turn_back("one", 5.0, "too slow", 7.0)
    record = cutting.turn_back("one", 5.0, "the fence was taken out", 8.0)
    assert record.cut_over_step == BACK
    assert (record.cut_over_refused, record.cut_over_refused_at) == ("too slow", 7.0)
    cutting.forget_cut_over("one", 5.0)
    cutting.begin_cut_over("one", ORDER, 10.0)
    assert cutting.turn_back("one", 10.0, "the gate is closed", 11.0).cut_over_refused == "the gate is closed"


@pytest.mark.parametrize("now", [None, 10.0])
def test_a_switch_that_is_no_longer_under_way_is_told(cutting: ControlTable, now: float | None) -> None:
    cutting.require_switch(5.0)
    cutting.turn_back("one", 5.0, "too slow", 7.0)
    cutting.forget_cut_over("one", 5.0)
    cutting.require_switch(None)
    if now is not None:
        cutting.begin_cut_over("one", ORDER, now)
        with pytest.raises(MigrationStopped, match="given up meanwhile"):
            cutting.require_switch(None)
    with pytest.raises(MigrationStopped, match="given up meanwhile"):
        cutting.require_switch(5.0)


def test_who_turned_back_does_not_go_through(cutting: ControlTable) -> None:
    cutting.turn_back("one", 5.0, "too slow", 7.0)
    assert not cutting.note_cut_over("one", 5.0, 9.0).is_cut_over


STEPS: dict[str, Callable[[ControlTable], object]] = {
    "go through": lambda control: control.note_cut_over("one", 5.0, 20.0),
    "turn back": lambda control: control.turn_back("one", 5.0, "a late doubt", 20.0),
    "be fenced": lambda control: control.note_step("one", 5.0, fenced_at=20.0),
    "wait for the group": lambda control: control.reach("one", 5.0, CHECKED),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("begun_anew", [False, True])
def test_a_call_that_was_held_up_touches_no_other_cut_over(cutting: ControlTable, step: str, begun_anew: bool) -> None:
    cutting.turn_back("one", 5.0, "too slow", 7.0)
    cutting.forget_cut_over("one", 5.0)
    if begun_anew:
        cutting.begin_cut_over("one", ORDER, 10.0)
    before = cutting.read()
    with pytest.raises(MigrationStopped, match="given up meanwhile"):
        STEPS[step](cutting)
    assert cutting.read() == before


def test_what_was_given_up_once_is_not_forgotten_when_it_is_begun_anew(cutting: ControlTable) -> None:
    cutting.turn_back("one", 5.0, "too slow", 7.0)
    cutting.forget_cut_over("one", 5.0)
    cutting.begin_cut_over("one", ORDER, 10.0)
    cutting.forget_cut_over("one", 5.0)
    assert cutting.read().cut_over_started == 10.0


@pytest.mark.parametrize("step", ["be fenced", "wait for the group"])
def test_who_turns_back_goes_no_step_further(cutting: ControlTable, step: str) -> None:
    cutting.turn_back("one", 5.0, "too slow", 7.0)
    with pytest.raises(MigrationStopped, match="given up meanwhile"):
        STEPS[step](cutting)
    assert cutting.read().cut_over_step == BACK


@pytest.mark.parametrize("decided", [{"cut_over_go": FLIP}, {"cut_over_at": 8.0}])
def test_who_has_gone_through_does_not_turn_back(cutting: ControlTable, decided: dict[str, Any]) -> None:
    cutting.set("one", cut_over_step=CHECKED, **decided)
    assert cutting.turn_back("one", 5.0, "too slow", 7.0).cut_over_step == CHECKED


def test_the_first_moment_of_the_cut_over_counts(cutting: ControlTable) -> None:
    assert cutting.note_cut_over("one", 5.0, 8.0).cut_over_at == 8.0
    assert cutting.note_cut_over("one", 5.0, 9.0).cut_over_at == 8.0


def test_abort_is_refused_from_the_cut_over_on_but_not_to_the_stack(cutting: ControlTable) -> None:
    with pytest.raises(MigrationStopped, match="cutting over"):
        cutting.begin_abort(str(cutting.read().epoch))
    assert cutting.begin_abort(str(cutting.read().epoch), even_after_cut_over=True).status == ABORTING


def test_completing_comes_after_the_cut_over(cutting: ControlTable) -> None:
    with pytest.raises(MigrationStopped):
        cutting.ask_to_complete("keep")
    cutting.note_cut_over("one", 5.0, 8.0)
    assert cutting.ask_to_complete("keep").completing == "keep"
    record = cutting.note_complete(9.0)
    assert (record.status, record.completed_at) == (CLOSED, 9.0)


def test_a_new_epoch_knows_nothing_of_the_last_cut_over(cutting: ControlTable) -> None:
    cutting.set("one", task_token="t", ready_at=4.0, fenced_at=6.0, apply_stopped_at=7.0, cut_over_step=CHECKED)
    cutting.note_cut_over("one", 5.0, 8.0)
    cutting.ask_to_complete("keep")
    cutting.note_complete(9.0)
    record = cutting.open_epoch("e2", "two", "arn:stream", 10.0, "e1")
    assert record == ControlRecord(
        epoch="e2", status=OPEN, phase=record.phase, execution="two", stream_arn="arn:stream", captured_from=10
    )


@pytest.mark.parametrize("end", [lambda control: control.close("e1"), lambda control: control.note_complete(9.0)])
def test_an_end_that_was_held_up_closes_no_epoch_that_was_opened_since(
    control: ControlTable, end: Callable[[ControlTable], object]
) -> None:
    control.open_epoch("e1", "one", "arn:stream", 1.0)
    control.begin_abort(str(control.read().epoch))
    control.close(str(control.read().epoch))
    control.open_epoch("e2", "two", "arn:stream", 2.0, "e1")
    with pytest.raises(MigrationStopped):
        end(control)
    assert control.read().is_open
