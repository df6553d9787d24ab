"""The way back: captured before the cut-over, open for a while, and gone through as a cut-over is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clean_up.ending import Ending, Fence
from cut_over import operator_words, rollback_window
from cut_over.completing import UNCHANGED_SECONDS
from cut_over.lift_fence import FailedBehindSwitch
from cut_over.rollback_window import RollBackBegun, WindowOver
from ddb_migration import names
from ddb_migration.aws.control_table import BACK, CHECKED, FLIP
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.progress import CAPTURE, Progress
from ddb_migration.core.control_record import CLOSED, MigrationStopped
from ddb_migration.core.cut_over_order import FENCED, UNFENCED, CutOverOrder
from ddb_migration.core.state_call import Call
from enable_trigger.start_capture import StreamReplaced
from tests.functions.cutting import States, cutting_over
from tests.functions.migration import EXECUTION, OTHER, PROCESSOR, WRITER
from tests.functions.rolling import (
    REVERSE_PROCESSOR,
    REVERSE_WRITER,
    WINDOW,
    Rolling,
    cut_over,
    rolling_back,
)

OTHERS = {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "dynamodb:Scan", "Resource": "*"}
FAILED = {"Error": "RuntimeError", "Cause": json.dumps({"errorMessage": "it broke"})}


@pytest.fixture
def rolling() -> Rolling:
    return Rolling()


@pytest.fixture
def after(rolling: Rolling) -> Rolling:
    """A migration that has cut over, with its window open, and a change that was carried back."""
    cut_over(rolling)
    rolling.write_back("a", "written since")
    return rolling


@pytest.fixture
def rolled_back(after: Rolling) -> Rolling:
    assert rolling_back(after).to_end()["cut_over"]
    return after


def stands_on_the_destination(rolling: Rolling) -> bool:
    """Whether nothing of a roll back is left but its reason: the destination takes writes, which are carried back."""
    back = rolling.back
    left = (back.cut_over_started, back.prepared_at, back.fenced_at, back.cut_over_step, back.cut_over_at)
    is_open = not rolling.is_destination_fenced and rolling.reverse_writer_state == "Enabled"
    return is_open and rolling.is_fenced and left == (None,) * 5


# --- capture first ----------------------------------------------------------------------------------------------


def test_both_mappings_are_there_and_settled_before_the_cut_over() -> None:
    rolling = Rolling(captures_back=False)
    began = rolling.clock()
    rolling.start_reverse_capture()
    assert rolling.clock() - began >= 300
    assert [len(rolling.migration.mappings.of(name)) for name in (REVERSE_PROCESSOR, REVERSE_WRITER)] == [1, 1]
    back = rolling.back
    assert (back.stream_arn, back.captured_from, back.is_settled) == (rolling.destination_stream, began, True)
    assert back.stands_by
    assert rolling.record.stream_arn == rolling.migration.stream_arn


def test_an_execution_that_comes_again_finds_it_settled(rolling: Rolling) -> None:
    began = rolling.clock()
    rolling.start_reverse_capture()
    assert rolling.clock() == began
    assert len(rolling.migration.mappings.of(REVERSE_PROCESSOR)) == 1


def test_a_stream_that_was_replaced_before_the_cut_over_settles_anew(rolling: Rolling) -> None:
    for wanted in ({"StreamEnabled": False}, {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}):
        rolling.aws.dynamodb.update_table(TableName="destination", StreamSpecification=wanted)
    began, before = rolling.clock(), rolling.back.stream_arn
    rolling.start_reverse_capture()
    assert rolling.clock() - began >= 300
    assert rolling.back.stream_arn == rolling.destination_stream != before


def test_a_destination_without_a_stream_is_told() -> None:
    rolling = Rolling(captures_back=False)
    rolling.aws.dynamodb.tables["destination"].description.pop("LatestStreamArn")
    with pytest.raises(StreamReplaced, match="or deploy it without rollback_window"):
        rolling.start_reverse_capture()


def test_a_removal_meanwhile_leaves_no_mapping() -> None:
    rolling = Rolling(captures_back=False)
    rolling.aws.functions.hooks.append(
        lambda operation, request: rolling.control.bury() if operation == "CreateEventSourceMapping" else None
    )
    with pytest.raises(MigrationStopped):
        rolling.start_reverse_capture()
    assert [rolling.migration.mappings.of(name) for name in (REVERSE_PROCESSOR, REVERSE_WRITER)] == [[], []]


def test_without_the_prop_there_is_nothing_to_start() -> None:
    rolling = Rolling(captures_back=False)
    rolling.has_reverse = False
    assert rolling.start_reverse_capture() == {"done": True, "reverse": False}


def test_a_cut_over_waits_until_the_reverse_path_has_read_up_to_now(rolling: Rolling) -> None:
    Progress(rolling.control.rows, rolling.back.epoch or "").report(CAPTURE, "00", {}, 100.0, rolling.clock())
    states = cutting_over(rolling)
    states.until("capture of the destination to have read what the migration wrote there")
    assert not rolling.is_fenced
    assert states.to_end()["cut_over"]


def test_a_cut_over_that_can_be_rolled_back_needs_the_fence(rolling: Rolling) -> None:
    answer = cutting_over(rolling, CutOverOrder(UNFENCED)).to_end()
    assert not answer["cut_over"]
    assert "there would be no way back" in answer["reason"]


# --- the window -------------------------------------------------------------------------------------------------


def test_the_window_waits_for_the_operator_and_says_until_when(after: Rolling) -> None:
    assert after.waits("first")["closed"] == []
    assert (after.back.task_token, after.record.task_token) == ("first", None)
    assert after.record.rollback_until == float(after.record.cut_over_at or 0) + WINDOW
    assert after.aws.events.phases == [names.ROLLBACK_WINDOW_STATE]
    after.waits("second")
    assert after.back.task_token == "second"
    assert after.aws.events.phases == [names.ROLLBACK_WINDOW_STATE]


def test_the_window_ends_by_itself(after: Rolling) -> None:
    after.clock.sleep(WINDOW)
    with pytest.raises(WindowOver):
        after.waits()


def test_a_shorter_window_is_deployed(after: Rolling) -> None:
    after.waits()
    after.clock.sleep(7200)
    after.window = 3600.0
    with pytest.raises(WindowOver):
        after.waits()


@pytest.mark.parametrize("change", [{"has_reverse": False}, {"window": None}])
def test_without_the_prop_the_window_is_over_at_once(after: Rolling, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(after, name, value)
    with pytest.raises(WindowOver):
        after.waits()


def test_a_migration_that_cut_over_before_it_had_a_way_back_has_none() -> None:
    rolling = Rolling(captures_back=False)
    rolling.has_reverse = False
    cutting_over(rolling).to_end()
    rolling.has_reverse = True
    with pytest.raises(WindowOver):
        rolling.waits()


def test_the_source_stays_fenced_in_the_window(after: Rolling) -> None:
    after.deploy_policy(OTHERS)
    assert not after.is_fenced
    after.waits()
    assert after.is_fenced
    assert names.FENCE_RESTORED_PHASE in after.aws.events.phases


def test_a_gap_of_the_reverse_path_is_noted_and_closes_the_way(after: Rolling) -> None:
    (mapping,) = after.migration.mappings.of(REVERSE_PROCESSOR)
    after.aws.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    after.clock.sleep(24 * 3600)
    after.waits()
    assert after.back.incomplete
    assert after.record.incomplete is None
    answer = rolling_back(after).to_end()
    assert not answer["cut_over"]
    assert stands_on_the_destination(after)


# --- through ----------------------------------------------------------------------------------------------------


def test_a_roll_back(after: Rolling) -> None:
    assert rolling_back(after).to_end()["cut_over"]
    assert after.is_destination_fenced
    assert not after.is_fenced, "the source is the table again"
    assert after.reverse_writer_state == "Disabled"
    assert after.record.is_rolled_back
    assert after.aws.events.phases == [
        names.ROLL_BACK_STATE,
        names.DESTINATION_FENCED_PHASE,
        names.ROLLED_BACK_PHASE,
    ]
    assert {detail["epoch"] for detail in after.aws.events.details} == {after.record.epoch}


def test_the_source_is_let_go_before_anybody_is_told(after: Rolling) -> None:
    seen: list[bool] = []
    after.aws.events.hooks.append(lambda operation, request: seen.append(after.is_fenced))
    rolling_back(after).to_end()
    assert seen[-1] is False
    assert seen[0] is True


def test_a_policy_that_cannot_be_changed_yet_is_waited_for(after: Rolling) -> None:
    states = rolling_back(after)
    states.until("to end what it has in hand")
    # For 15 s after this deployment nobody else can change the policy.
    after.deploy_policy(OTHERS, after.fence)
    states.until("the source's fence to be lifted")
    assert names.ROLLED_BACK_PHASE not in after.aws.events.phases
    assert states.to_end()["cut_over"]
    assert not after.is_fenced


def test_a_last_change_that_was_not_carried_back_is_found_in_the_stream(after: Rolling) -> None:
    number = after.write_back("b", "held back", applied=False)
    states = rolling_back(after)
    states.until("1 keys at the end of the stream to be applied")
    assert after.is_destination_fenced
    after.apply_back("held back", number)
    assert states.to_end()["cut_over"]


def test_what_differs_is_waited_for_and_turns_back_when_time_is_up(after: Rolling) -> None:
    after.reverse_keys.suspects = ["a key"]
    answer = rolling_back(after).to_end()
    assert "1 changed keys to be equal" in answer["reason"]
    assert stands_on_the_destination(after)


@pytest.mark.parametrize("why", ["the reverse dead-letter queue holds something"])
def test_a_closed_gate_turns_back_before_anything_is_denied(after: Rolling, why: str) -> None:
    after.reverse_gate.reasons = (why,)
    answer = rolling_back(after).to_end()
    assert why in answer["reason"]
    assert stands_on_the_destination(after)
    assert names.DESTINATION_FENCED_PHASE not in after.aws.events.phases


def test_a_write_behind_the_fence_turns_back(after: Rolling) -> None:
    states = rolling_back(after)
    states.until("to end what it has in hand")
    after.write_back("a", "behind the fence")
    answer = states.to_end()
    assert "the destination was written to behind the fence" in answer["reason"]
    assert stands_on_the_destination(after)
    assert names.DESTINATION_FENCE_LIFTED_PHASE in after.aws.events.phases


def test_after_turning_back_it_can_be_tried_again(after: Rolling) -> None:
    after.reverse_gate.reasons = ("not now",)
    rolling_back(after).to_end()
    after.reverse_gate.reasons = ()
    after.waits()
    assert rolling_back(after).to_end()["cut_over"]


@pytest.mark.parametrize("order", [CutOverOrder(UNFENCED)])
def test_an_order_without_a_fence_is_none(after: Rolling, order: CutOverOrder) -> None:
    answer = rolling_back(after, order).to_end()
    assert "there would be no way back" in answer["reason"]
    assert after.back.cut_over_refused == answer["reason"]


def test_an_order_that_comes_after_complete_was_asked_for_is_none(after: Rolling) -> None:
    after.control.ask_to_complete("keep")
    answer = rolling_back(after).to_end()
    assert answer["reason"] == "the migration is being completed"
    assert stands_on_the_destination(after)


def test_a_group_waits_for_each_other(after: Rolling) -> None:
    states = rolling_back(after, CutOverOrder(FENCED, 180, "group"))
    states.until("the others of the group to be prepared")
    after.reverse.set(EXECUTION, cut_over_go="fence")
    states.until("the others of the group to be checked")
    assert (after.back.cut_over_step, after.record.is_rolled_back) == (CHECKED, False)
    after.reverse.set(EXECUTION, cut_over_go=FLIP)
    assert states.to_end()["cut_over"]


# --- crashes ----------------------------------------------------------------------------------------------------


def entered_again(rolling: Rolling) -> States:
    """A new execution goes on, and finds a roll back under way."""
    rolling.control.take_over(OTHER, EXECUTION)
    rolling.control.take_over(EXECUTION, OTHER)
    with pytest.raises(RollBackBegun):
        rolling.waits()
    return States(rolling, names.ROLL_BACK_STATE)


@pytest.mark.parametrize("where", [1, 2, 3, 8, 14, 16, 18, 20, 22])
def test_an_execution_that_ends_anywhere_is_gone_on_with(after: Rolling, where: int) -> None:
    states = rolling_back(after)
    for _ in range(where):
        if states.once()["done"]:
            break
    answer = entered_again(after).to_end()
    if not answer["cut_over"]:
        # Its time had passed meanwhile; the next one goes through.
        assert stands_on_the_destination(after)
        answer = rolling_back(after).to_end()
    assert answer["cut_over"]
    assert after.is_destination_fenced
    assert not after.is_fenced


def test_a_crash_between_the_flip_and_the_lifting_leaves_the_source_fenced_only_until_it_goes_on(
    after: Rolling,
) -> None:
    states = rolling_back(after)
    states.until("to end what it has in hand")
    after.reverse.note_cut_over(EXECUTION, after.back.cut_over_started, after.clock())
    assert after.is_fenced
    assert entered_again(after).to_end()["cut_over"]
    assert not after.is_fenced
    assert after.aws.events.phases[-1] == names.ROLLED_BACK_PHASE


def test_whatever_fails_lifts_the_fence_of_the_destination(after: Rolling) -> None:
    states = rolling_back(after)
    states.until("the stream to stay quiet")
    assert after.is_destination_fenced
    answer = States(after, names.LIFT_DESTINATION_FENCE_STATE, {"failed": FAILED}).to_end()
    assert answer["turned_back"]
    assert "RollBack failed: RuntimeError: it broke" in str(after.back.cut_over_refused)
    assert stands_on_the_destination(after)


def test_what_has_gone_through_does_not_turn_back(after: Rolling) -> None:
    states = rolling_back(after)
    states.until("to end what it has in hand")
    after.reverse.note_cut_over(EXECUTION, after.back.cut_over_started, after.clock())
    with pytest.raises(FailedBehindSwitch, match="the roll back has gone through.*RollBack failed.*it broke"):
        States(after, names.LIFT_DESTINATION_FENCE_STATE, {"failed": FAILED}).once()
    assert after.is_destination_fenced
    assert after.back.cut_over_step != BACK


# --- afterwards -------------------------------------------------------------------------------------------------


def ask(rolling: Rolling, lift_fence: bool = False) -> dict[str, Any]:
    return operator_words.complete(rolling.parts(), {"lift_fence": lift_fence})


def ask_until_done(rolling: Rolling, lift_fence: bool = False) -> dict[str, Any]:
    for _ in range(40):
        answer = ask(rolling, lift_fence)
        if answer["done"]:
            return answer
        rolling.clock.sleep(5)
    raise AssertionError(f"not done: {answer}")


def test_complete_is_refused_while_the_window_is_open(after: Rolling) -> None:
    with pytest.raises(MigrationStopped, match=r"can be rolled back until 20\d\d-.*deploy a shorter rollback_window"):
        ask(after)
    after.clock.sleep(WINDOW)
    ask_until_done(after)
    assert after.record.status == CLOSED
    assert after.is_fenced
    assert after.aws.functions.mappings == {}


def test_complete_is_refused_during_a_roll_back(after: Rolling) -> None:
    states = rolling_back(after)
    states.until("every write to be denied")
    after.window = 0.0
    with pytest.raises(MigrationStopped, match="it is being rolled back"):
        ask(after)
    with pytest.raises(MigrationStopped):
        after.control.ask_to_complete("keep")


def test_an_execution_that_starts_after_a_roll_back_sends_nobody_to_the_destination(rolled_back: Rolling) -> None:
    rolled_back.aws.events.details.clear()
    assert States(rolled_back, names.CUT_OVER_STATE).once()["cut_over"]
    assert names.HAS_CUT_OVER_PHASE not in rolled_back.aws.events.phases


def test_complete_watches_the_fence_of_the_destination(rolled_back: Rolling) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": [OTHERS]})
    rolled_back.aws.dynamodb.put_resource_policy(ResourceArn=rolled_back.migration.destination, Policy=text)
    rolled_back.aws.events.details.clear()
    assert States(rolled_back, names.COMPLETE_STATE).once()["fence_missed"] == 1
    assert rolled_back.is_destination_fenced
    assert not rolled_back.is_fenced
    assert rolled_back.aws.events.phases == [names.DESTINATION_FENCE_RESTORED_PHASE]


def test_complete_after_a_roll_back_keeps_the_destination_fenced(rolled_back: Rolling) -> None:
    states = States(rolled_back, names.COMPLETE_STATE)
    states.once()
    answer = ask_until_done(rolled_back)
    assert rolled_back.is_destination_fenced
    assert not rolled_back.is_fenced
    assert any(rolled_back.migration.destination in left and "stays fenced" in left for left in answer["left"])
    assert not any("time to live at the destination" in left for left in answer["left"])
    assert states.once()["done"]
    assert rolled_back.aws.functions.mappings == {}


def test_complete_after_a_roll_back_needs_no_destination_that_was_deleted(rolled_back: Rolling) -> None:
    rolled_back.aws.dynamodb.delete_table(TableName=rolled_back.migration.destination)
    assert not States(rolled_back, names.COMPLETE_STATE).once()["fence_missed"]
    ask_until_done(rolled_back)
    assert rolled_back.aws.functions.mappings == {}


def test_complete_after_a_roll_back_lifts_the_fence_of_the_destination_when_told(rolled_back: Rolling) -> None:
    answer = ask_until_done(rolled_back, lift_fence=True)
    assert not rolled_back.is_destination_fenced
    assert not any("stays fenced" in left for left in answer["left"])


def test_a_change_of_the_destination_after_a_roll_back_asks_for_an_hour_of_quiet(rolled_back: Rolling) -> None:
    path = rolled_back.parts().way_back
    path.late_changes(rolled_back.back).note({"pk": {"S": "late"}}, "1", rolled_back.clock())
    with pytest.raises(MigrationStopped, match="the destination changed 0 s ago, after the roll back"):
        ask(rolled_back)
    rolled_back.clock.sleep(UNCHANGED_SECONDS)
    ask(rolled_back)


def test_late_changes_of_the_destination_are_announced(rolled_back: Rolling) -> None:
    rolled_back.parts().way_back.late_changes(rolled_back.back).note({"pk": {"S": "late"}}, "1", rolled_back.clock())
    rolled_back.aws.events.details.clear()
    States(rolled_back, names.COMPLETE_STATE).once()
    assert rolled_back.aws.events.phases == [names.LATE_DESTINATION_CHANGES_PHASE]


# --- what the operator is told ----------------------------------------------------------------------------------


def preview(rolling: Rolling) -> dict[str, Any]:
    return operator_words.preview_roll_back(rolling.parts(), {})


def test_the_preview_says_what_would_be_done(after: Rolling) -> None:
    after.waits()
    before = (after.record, after.back)
    found = preview(after)
    assert found["closed_because"] == []
    assert (found["is_ready"], found["until"]) == (True, after.record.rollback_until)
    assert found["fence"]["Resource"] == after.migration.destination
    assert (after.record, after.back) == before


def test_the_preview_says_why_not(rolling: Rolling) -> None:
    (reason,) = preview(rolling)["closed_because"]
    assert "has not cut over" in reason
    cut_over(rolling)
    rolling.clock.sleep(WINDOW)
    assert "was over at" in preview(rolling)["closed_because"][0]


def test_the_preview_after_a_roll_back(rolled_back: Rolling) -> None:
    assert "has rolled back already" in preview(rolled_back)["closed_because"][0]


def test_without_a_way_back_it_is_said_so(after: Rolling) -> None:
    after.has_reverse = False
    with pytest.raises(MigrationStopped, match="without rollback_window"):
        preview(after)


# --- removal with the stack -------------------------------------------------------------------------------------


def removed(rolling: Rolling) -> Ending:
    parts = rolling.parts()
    fences = [Fence(path.control, path.policy, path.fence, path.source_arn) for path in (parts, parts.way_back)]
    ending = Ending(
        control=rolling.control,
        mappings=rolling.migration.mappings,
        jobs=rolling.migration.jobs,
        executions=Executions(rolling.aws.states),
        lock=rolling.migration.lock(),
        functions=(PROCESSOR, WRITER, REVERSE_PROCESSOR, REVERSE_WRITER),
        fences=tuple(fences),
        clock=rolling.clock,
    )
    rolling.control.bury()
    for _ in range(60):
        if ending.step() is None:
            return ending
        rolling.clock.sleep(5)
    raise AssertionError("not ended")


def test_a_stack_that_goes_in_the_window_leaves_the_source_fenced(after: Rolling) -> None:
    ending = removed(after)
    assert after.is_fenced
    assert not after.is_destination_fenced
    assert after.aws.functions.mappings == {}
    assert [bool(fence.left()) for fence in ending.fences] == [True, False]


def test_a_stack_that_goes_during_a_roll_back_lets_the_destination_go(after: Rolling) -> None:
    states = rolling_back(after)
    states.until("the stream to stay quiet")
    assert after.is_destination_fenced
    removed(after)
    assert not after.is_destination_fenced
    assert after.is_fenced


def test_a_stack_that_goes_after_a_roll_back_leaves_the_destination_fenced(rolled_back: Rolling) -> None:
    ending = removed(rolled_back)
    assert rolled_back.is_destination_fenced
    assert not rolled_back.is_fenced
    left = [fence.left() for fence in ending.fences]
    assert left[0] is None
    assert rolled_back.migration.destination in str(left[1])


def test_a_stack_that_goes_before_the_source_was_let_go_lets_it_go(after: Rolling) -> None:
    states = rolling_back(after)
    states.until("to end what it has in hand")
    after.reverse.note_cut_over(EXECUTION, after.back.cut_over_started, after.clock())
    assert after.is_fenced
    removed(after)
    assert not after.is_fenced
    assert after.is_destination_fenced


def test_the_window_is_the_operators_alone(after: Rolling) -> None:
    """An entry of another execution is refused: it would take the token away."""
    with pytest.raises(MigrationStopped, match="another execution"):
        rollback_window.run(after.parts(), Call(OTHER), "stolen")
