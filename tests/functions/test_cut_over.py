"""CutOver step by step: what it waits for, and that any doubt turns it back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cut_over import fence, lift_fence, operator_words, prepare, stop_apply, tail
from cut_over.lift_fence import FailedBehindSwitch
from cut_over.stop_apply import HOLD_SECONDS
from ddb_migration import names
from ddb_migration.aws.control_table import CHECKED, FENCE, FLIP, PREPARED
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.cut_over_order import FENCED, UNFENCED, CutOverOrder
from ddb_migration.core.gate import VerifyVerdict
from ddb_migration.core.state_call import Call
from tests.fakes.client_errors import client_error
from tests.functions.cutting import Cutting, States, cutting_over
from tests.functions.migration import EXECUTION, OTHER, PROCESSOR, QUEUE_ARN, WRITER, switched_off

THEIRS = {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "dynamodb:Scan", "Resource": "*"}
FAILED = {"Error": "RuntimeError", "Cause": json.dumps({"errorMessage": "it broke"})}
GROUP = CutOverOrder(FENCED, 180, "group")


@pytest.fixture
def cutting() -> Cutting:
    return Cutting()


def is_as_before(cutting: Cutting) -> bool:
    """Whether nothing of a cut-over is left but its reason, and replication goes on."""
    record = cutting.record
    left = (record.cut_over_started, record.prepared_at, record.fenced_at, record.cut_over_step, record.cut_over_at)
    return not cutting.is_fenced and cutting.writer_state == "Enabled" and left == (None,) * 5


# --- through ---------------------------------------------------------------------------------------------------


def test_a_fenced_cut_over(cutting: Cutting) -> None:
    began = cutting.clock()
    states = cutting_over(cutting)
    assert states.to_end()["cut_over"]
    assert cutting.is_fenced
    assert cutting.writer_state == "Disabled"
    record = cutting.record
    assert record.is_cut_over
    waits = (fence.DENIALS - 1) * fence.LOOK_SECONDS + tail.QUIET_SECONDS + stop_apply.HOLD_SECONDS
    assert waits <= cutting.clock() - began <= waits + 15
    assert cutting.aws.events.phases == [names.CUT_OVER_STATE, names.FENCED_PHASE, names.HAS_CUT_OVER_PHASE]


SAMPLE = VerifyVerdict("by-hand-1", segments=8, compared_segments=8, sample=0.01)


def test_on_a_sample_it_goes_through_only_by_name_and_on_record(cutting: Cutting) -> None:
    cutting.gate.verdict = SAMPLE
    assert "--accept-sample by-hand-1" in cutting_over(cutting).to_end()["reason"]
    other = CutOverOrder(accepted_sample="by-hand-0", accepted_by="arn:ann")
    assert "--accept-sample by-hand-1" in cutting_over(cutting, other).to_end()["reason"]
    spent = cutting.record
    assert (spent.accepted_sample, spent.accepted_by) == (None, None), "the word was for that order alone"
    named = CutOverOrder(accepted_sample="by-hand-1", accepted_by="arn:ann")
    assert cutting_over(cutting, named).to_end()["cut_over"]
    assert (cutting.record.accepted_sample, cutting.record.accepted_by) == ("by-hand-1", "arn:ann")


def test_the_preview_asks_for_the_sample_by_name_and_writes_nothing(cutting: Cutting) -> None:
    cutting.gate.verdict = SAMPLE
    cutting.control.set(EXECUTION, verify_pass="by-hand-1")
    before = cutting.record
    for named, reasons in ((["by-hand-0"], 1), ([], 1), (["by-hand-0", "by-hand-1"], 0)):
        found = operator_words.preview(cutting.parts(), {"accepted_samples": named})
        assert len(found["closed_because"]) == reasons
        assert found["sample"] == {"pass": "by-hand-1", "share": 0.01}
    assert cutting.record == before


def test_from_then_on_no_change_is_applied(cutting: Cutting) -> None:
    cutting.record.require_apply()
    cutting_over(cutting).to_end()
    with pytest.raises(MigrationStopped, match="has cut over"):
        cutting.record.require_apply()


def test_the_fence_counts_once_every_try_of_half_a_minute_was_denied(cutting: Cutting) -> None:
    cutting.sees_fence = False
    states = cutting_over(cutting)
    for _ in range(10):
        states.until("every write to be denied")
    assert cutting.record.fenced_at is None
    cutting.sees_fence = True
    for _ in range(fence.DENIALS - 1):
        states.once()
    cutting.sees_fence = False
    states.once()
    cutting.sees_fence = True
    began = cutting.clock()
    while cutting.record.fenced_at is None:
        states.once()
    assert cutting.record.fenced_at - began >= 30


def test_a_canary_that_says_nothing_does_not_count(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("every write to be denied")
    cutting.aws.sts.fail("AssumeRole", client_error("AssumeRole", "AccessDenied", "not yet"))
    with pytest.raises(Exception, match="AccessDenied"):
        states.once()
    hooks = cutting.aws.dynamodb.hooks
    cutting.aws.dynamodb.fail("DeleteItem", client_error("DeleteItem", "ThrottlingException"))
    hooks.insert(0, hooks.pop())
    assert states.once()["denials"] == 0


def test_a_write_held_back_in_one_shard_is_waited_for(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("every write to be denied")
    held = cutting.write("b", "held back", applied=False)
    answer = states.until("1 keys at the end of the stream")
    cutting.clock.sleep(20)
    assert states.once()["waiting_for"] == answer["waiting_for"], "whatever the lag looks like"
    cutting.apply("held back", held)
    assert states.to_end()["cut_over"]
    assert {"pk": {"S": "held back"}} in cutting.keys.checked, "and it is compared"


def test_a_straggler_behind_the_fence_makes_the_quiet_begin_anew(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("the stream to stay quiet")
    states.once()
    cutting.write("a", "late")
    assert "last writes" in states.once()["waiting_for"]
    began = cutting.clock()
    states.until("WriteCdc to end")
    assert cutting.clock() - began >= tail.QUIET_SECONDS


def test_what_expires_behind_the_fence_is_no_write(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("the stream to stay quiet")
    cutting.write("a", "expired", expired=True)
    states.until("WriteCdc to end")
    cutting.write("a", "expired too", expired=True, applied=False)
    assert states.to_end()["cut_over"]


def test_the_last_keys_are_compared_in_a_round_that_began_after_the_last_write(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("the stream to stay quiet")
    cutting.keys.indexed = False
    states.until("the index of changed keys")
    cutting.keys.indexed = True
    cutting.keys.suspects = ["k"]
    states.until("1 changed keys to be equal")
    cutting.keys.suspects = []
    cutting.keys.is_done = False
    states.until("the last changed keys to be compared")
    cutting.keys.is_done = True
    assert states.to_end()["cut_over"]


def test_apply_is_held_for_one_time_out_of_write_cdc(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    assert states.until("WriteCdc to end")["wait_seconds"] == stop_apply.HOLD_SECONDS
    assert cutting.writer_state == "Disabled"
    assert not cutting.record.is_cut_over
    assert states.once()["cut_over"]


def test_a_mapping_that_is_changing_is_waited_for(cutting: Cutting) -> None:
    cutting.aws.functions.slow = True
    states = cutting_over(cutting)
    states.until("to be Disabled")
    states.once()
    cutting.aws.functions.settle()
    states.until("WriteCdc to end")
    assert states.to_end()["cut_over"]


def test_an_unfenced_cut_over_goes_on_applying(cutting: Cutting) -> None:
    cutting.fences = False
    states = cutting_over(cutting, CutOverOrder(UNFENCED))
    assert states.to_end()["cut_over"]
    assert cutting.aws.dynamodb.policies == {}
    assert "PutResourcePolicy" not in cutting.aws.dynamodb.operations()
    assert cutting.writer_state == "Enabled"
    cutting.record.require_apply()
    cutting.control.ask_to_complete("keep")
    with pytest.raises(MigrationStopped, match="has cut over"):
        cutting.record.require_apply()


# --- turned back ------------------------------------------------------------------------------------------------


def turned_back(states: States, cutting: Cutting, why: str) -> None:
    answer = states.to_end()
    assert not answer["cut_over"]
    assert why in answer["reason"]
    assert why in str(cutting.record.cut_over_refused)
    assert is_as_before(cutting)
    assert names.HAS_CUT_OVER_PHASE not in cutting.aws.events.phases


def test_a_closed_gate(cutting: Cutting) -> None:
    cutting.gate.reasons = ("3 keys are parked", "lag is unknown")
    turned_back(cutting_over(cutting), cutting, "3 keys are parked; lag is unknown")
    assert "PutResourcePolicy" not in cutting.aws.dynamodb.operations()


def test_a_pause_refuses_it_and_outlasts_it(cutting: Cutting) -> None:
    cutting.migration.mappings.disable(WRITER, QUEUE_ARN)
    cutting.control.pause("arn:ann", cutting.clock())
    answer = cutting_over(cutting).to_end()
    assert "arn:ann paused the migration" in answer["reason"]
    assert "ddb-migration resume" in answer["reason"]
    assert (cutting.record.paused, cutting.writer_state, cutting.is_fenced) == (True, "Disabled", False)
    assert "PutResourcePolicy" not in cutting.aws.dynamodb.operations()


def test_what_takes_too_long_is_never_fenced(cutting: Cutting) -> None:
    cutting.keys.seconds = 6
    turned_back(cutting_over(cutting), cutting, "still waited for the changed keys")
    assert "PutResourcePolicy" not in cutting.aws.dynamodb.operations()


def test_a_change_that_is_held_back_for_long_is_seen_before_the_fence(cutting: Cutting) -> None:
    cutting.write("b", "held back", applied=False)
    cutting.clock.sleep(31)
    states = cutting_over(cutting)
    states.until("1 keys whose newest change has not been applied")
    assert not cutting.is_fenced
    turned_back(states, cutting, "1 keys")


def test_a_change_that_is_never_applied_behind_the_fence(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("every write to be denied")
    cutting.write("b", "held back", applied=False)
    placed = cutting.clock()
    turned_back(states, cutting, "time-out of 180 s, it waited for 1 keys at the end of the stream")
    assert cutting.clock() - placed < 240


def test_a_difference_that_stays(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("every write to be denied")
    cutting.keys.suspects = ["k"]
    turned_back(states, cutting, "1 changed keys to be equal")


def test_a_fence_that_is_not_seen(cutting: Cutting) -> None:
    cutting.sees_fence = False
    turned_back(cutting_over(cutting), cutting, "it waited for every write to be denied")


def test_a_deployment_that_takes_the_fence_away(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("the stream to stay quiet")
    cutting.deploy_policy(THEIRS)
    turned_back(states, cutting, "taken out of the source's policy")
    assert json.loads(cutting.aws.dynamodb.policies[cutting.source][0])["Statement"] == [THEIRS]


def test_a_source_that_is_deleted_in_mid_cut_over_is_not_taken_for_fenced(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("the stream to stay quiet")
    cutting.aws.dynamodb.delete_table(TableName=cutting.source)
    turned_back(states, cutting, f"the table {cutting.source} is gone")


def test_a_write_that_came_after_apply_was_stopped(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("WriteCdc to end")
    cutting.write("a", "late", applied=False)
    turned_back(states, cutting, "written to behind the fence")


def test_a_policy_without_room(cutting: Cutting) -> None:
    cutting.deploy_policy({**THEIRS, "Action": "x" * 20_000})
    turned_back(cutting_over(cutting), cutting, "DynamoDB takes 20480")


def test_the_policy_is_as_it_was_and_what_a_deployment_added(cutting: Cutting) -> None:
    cutting.deploy_policy(THEIRS)
    cutting.sees_fence = False
    states = cutting_over(cutting)
    states.until("every write to be denied")
    cutting.deploy_policy(THEIRS, cutting.fence, {**THEIRS, "Sid": "More"})
    turned_back(states, cutting, "denied")
    kept = json.loads(cutting.aws.dynamodb.policies[cutting.source][0])["Statement"]
    assert [statement["Sid"] for statement in kept] == ["Theirs", "More"]


def test_lifting_is_repeated_while_the_policy_is_blocked(cutting: Cutting) -> None:
    cutting.sees_fence = False
    states = cutting_over(cutting)
    states.until("every write to be denied")
    blocked = [client_error("DeleteResourcePolicy", "ResourceInUseException")] * 5
    cutting.aws.dynamodb.fail("DeleteResourcePolicy", *blocked)
    states.until("the fence to be lifted")
    turned_back(states, cutting, "denied")


@pytest.mark.parametrize("given", [{}, {"form": "half", "timeout_seconds": 180}])
def test_what_is_no_order_changes_nothing(cutting: Cutting, given: dict[str, Any]) -> None:
    answer = States(cutting, names.CUT_OVER_STATE, given).once()
    assert (answer["done"], answer["cut_over"]) == (True, False)
    assert "'form'" in str(cutting.record.cut_over_refused)
    assert is_as_before(cutting)


def test_a_fence_that_was_not_asked_for_is_refused(cutting: Cutting) -> None:
    cutting.fences = False
    answer = cutting_over(cutting).once()
    assert "fence_source_writes=True" in answer["reason"]


def test_a_change_that_is_parked_behind_the_fence(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("every write to be denied")
    cutting.gate.reasons = ("1 key is parked",)
    states.until("the gate to be open: 1 key is parked")
    turned_back(states, cutting, "1 key is parked")


# --- failures and restarts --------------------------------------------------------------------------------------

WAITS = (
    "the fence to stand",
    "every write to be denied",
    "the stream to stay quiet",
    "WriteCdc to end",
)


@pytest.mark.parametrize("where", WAITS)
def test_a_failed_cut_over_is_undone(cutting: Cutting, where: str) -> None:
    cutting_over(cutting).until(where)
    states = States(cutting, names.LIFT_FENCE_STATE, {"failed": FAILED})
    assert states.to_end()["turned_back"]
    assert is_as_before(cutting)
    assert "RuntimeError: it broke" in str(cutting.record.cut_over_refused)


def test_a_turning_back_that_was_held_up_leaves_the_next_fence(cutting: Cutting) -> None:
    cutting_over(cutting).until("every write to be denied")
    read_before = cutting.record
    States(cutting, names.LIFT_FENCE_STATE, {"failed": FAILED}).to_end()
    cutting_over(cutting).until("every write to be denied")
    with pytest.raises(MigrationStopped, match="given up meanwhile"):
        lift_fence.turn_back(cutting.parts(), Call(EXECUTION), read_before)
    assert cutting.is_fenced
    assert cutting.record.cut_over_started is not None


def test_a_wait_that_was_held_up_leaves_the_fence_of_a_cut_over_that_has_begun_since(cutting: Cutting) -> None:
    begin = cutting_over(cutting)
    cutting.aws.dynamodb.before("GetResourcePolicy", lambda: begin.until("every write to be denied"))
    with pytest.raises(MigrationStopped, match="given up meanwhile"):
        cutting.ready()
    assert cutting.is_fenced


@pytest.mark.parametrize("where", WAITS)
def test_another_execution_goes_on_where_one_ended(cutting: Cutting, where: str) -> None:
    cutting_over(cutting).until(where)
    cutting.control.take_over(OTHER, EXECUTION)
    with pytest.raises(MigrationStopped, match="another execution"):
        cutting_over(cutting).once()
    cutting.control.take_over(EXECUTION, OTHER)
    assert States(cutting, names.CUT_OVER_STATE, {"epoch": "e1"}).to_end()["cut_over"]


def test_an_execution_that_comes_too_late_turns_back(cutting: Cutting) -> None:
    cutting_over(cutting).until("the stream to stay quiet")
    cutting.clock.sleep(3600)
    turned_back(States(cutting, names.CUT_OVER_STATE), cutting, "time-out of 180 s")


def test_apply_is_on_again_before_a_cut_over_is_forgotten(cutting: Cutting) -> None:
    """Lambda refuses to enable a mapping that is still Disabling; left so, it would stay Disabled."""
    cutting.aws.functions.slow = True
    states = cutting_over(cutting)
    states.until("the mapping to WriteCdc to be Disabled")
    cutting.clock.sleep(3600)
    states.until("the mapping to WriteCdc to be Enabled")
    assert cutting.writer_state == "Disabling"
    assert not cutting.is_fenced, "writers need not wait for it"
    cutting.aws.functions.settle()
    states.until("the mapping to WriteCdc to be Enabled")
    assert cutting.writer_state == "Enabling"
    cutting.aws.functions.settle()
    turned_back(states, cutting, "time-out of 180 s")
    assert cutting.aws.events.phases.count(names.FENCE_LIFTED_PHASE) == 1


def test_the_flip_is_told_until_it_was_heard(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("WriteCdc to end")
    cutting.aws.events.refuses = 1
    with pytest.raises(Exception, match="EventBridge refused"):
        states.once()
    assert States(cutting, names.CUT_OVER_STATE).once()["cut_over"]
    assert cutting.aws.events.phases[-1] == names.HAS_CUT_OVER_PHASE


def test_what_fails_behind_the_cut_over_ends_the_execution_and_lifts_nothing(cutting: Cutting) -> None:
    """To go on would only fail again, round after round, and no alarm would tell of it."""
    cutting_over(cutting).to_end()
    states = States(cutting, names.LIFT_FENCE_STATE, {"failed": {"Error": "TopicGone", "Cause": "no such topic"}})
    with pytest.raises(FailedBehindSwitch, match="the cut-over has gone through.*CutOver failed: TopicGone"):
        states.once()
    assert cutting.is_fenced
    assert States(cutting, names.CUT_OVER_STATE).once()["cut_over"], "the next execution goes on"


def test_a_write_that_may_be_under_way_is_waited_for(cutting: Cutting) -> None:
    """An invocation of WriteCdc that died left its message hidden, and its write may come late."""
    states = cutting_over(cutting)
    states.until("WriteCdc to end")
    cutting.hide_message(seconds=60)
    states.until("has not answered")
    shown_at = cutting.clock() + 60 - HOLD_SECONDS
    assert states.to_end()["cut_over"]
    assert cutting.clock() >= shown_at


def test_a_shard_that_cannot_be_read_behind_the_fence_is_read_again(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("WriteCdc to end")
    cutting.aws.dynamodbstreams.fail("GetRecords", client_error("GetRecords", "LimitExceededException"))
    states.until("the whole stream to be read once more")
    assert states.once()["cut_over"]


def test_what_is_never_answered_turns_the_cut_over_back(cutting: Cutting) -> None:
    states = cutting_over(cutting)
    states.until("WriteCdc to end")
    cutting.hide_message(seconds=10_000)
    assert not states.to_end()["cut_over"]
    assert "not answered" in str(cutting.record.cut_over_refused)


# --- groups ------------------------------------------------------------------------------------------------------


def test_a_group_is_waited_for_twice(cutting: Cutting) -> None:
    states = cutting_over(cutting, GROUP)
    states.until("others of the group to be prepared")
    assert cutting.record.cut_over_step == PREPARED
    assert not cutting.is_fenced
    cutting.control.set(EXECUTION, cut_over_go=FENCE)
    states.until("others of the group to be checked")
    assert (cutting.record.cut_over_step, cutting.writer_state) == (CHECKED, "Disabled")
    assert not cutting.record.is_cut_over
    cutting.control.set(EXECUTION, cut_over_go=FLIP)
    assert states.once()["cut_over"]


def test_a_member_whose_group_does_not_come_turns_back(cutting: Cutting) -> None:
    states = cutting_over(cutting, GROUP)
    states.until("prepared")
    turned_back(states, cutting, "the others of the group to be prepared")
    assert cutting.clock() > prepare.LONGEST_SECONDS
    states = cutting_over(cutting, GROUP)
    states.until("prepared")
    cutting.control.set(EXECUTION, cut_over_go=FENCE)
    states.until("checked")
    turned_back(states, cutting, "the others of the group to be checked")


def test_who_was_told_to_go_through_does_however_late_it_is(cutting: Cutting) -> None:
    states = cutting_over(cutting, GROUP)
    states.until("prepared")
    cutting.control.set(EXECUTION, cut_over_go=FENCE)
    states.until("checked")
    cutting.clock.sleep(3600)
    cutting.aws.dynamodb.before("UpdateItem", lambda: None)
    # The word comes between the look at the clock and the decision to turn back.
    cutting.aws.dynamodb.before("UpdateItem", lambda: cutting.control.set(EXECUTION, cut_over_go=FLIP), when=2)
    assert states.once()["cut_over"]
    assert cutting.record.is_cut_over


def test_who_turned_back_cannot_be_told_to_go_through(cutting: Cutting) -> None:
    states = cutting_over(cutting, GROUP)
    states.until("prepared")
    cutting.control.set(EXECUTION, cut_over_go=FENCE)
    states.until("checked")
    cutting.clock.sleep(3600)
    states.once()
    assert cutting.record.cut_over_step != CHECKED, "the transaction of the group asks for it"


# --- ready -------------------------------------------------------------------------------------------------------


def test_ready_says_what_would_refuse_a_cut_over(cutting: Cutting) -> None:
    assert cutting.ready()["closed"] == []
    cutting.gate.reasons = ("a key is parked", "the lag is not known")
    assert cutting.ready()["closed"] == ["a key is parked", "the lag is not known"]


def test_ready_keeps_the_newest_token_and_reads_on(cutting: Cutting) -> None:
    cutting.write("b", "held back", applied=False)
    answer = cutting.ready("one")
    assert answer["unapplied"] == 1
    first = cutting.record.ready_at
    cutting.clock.sleep(600)
    cutting.ready("two")
    assert (cutting.record.task_token, cutting.record.ready_at) == ("two", first)
    assert cutting.aws.events.phases == [names.READY_TO_CUT_OVER_STATE]


GAPS = [(PROCESSOR, "capture", 23 * 3600.0), (WRITER, "apply", 14 * 86400.0 - 3600)]


@pytest.mark.parametrize(("function", "leg", "seconds"), GAPS)
def test_a_gap_while_the_operator_is_waited_for_closes_the_gate(
    cutting: Cutting, function: str, leg: str, seconds: float
) -> None:
    assert cutting.ready()["closed"] == []
    switched_off(cutting.migration, function, seconds)
    (reason,) = cutting.ready()["closed"]
    assert reason.startswith(f"nothing shows that {leg} worked from 2026-")


@pytest.mark.parametrize(("function", "leg", "seconds"), GAPS)
def test_a_gap_since_the_last_look_turns_the_cut_over_back(
    cutting: Cutting, function: str, leg: str, seconds: float
) -> None:
    switched_off(cutting.migration, function, seconds)
    states = cutting_over(cutting)
    with_reason = states.to_end()
    assert not with_reason["cut_over"]
    assert f"nothing shows that {leg} worked" in str(cutting.record.cut_over_refused)
    assert is_as_before(cutting)


def test_a_gap_that_goes_on_is_cured_by_no_verify_that_began_before_its_end(cutting: Cutting) -> None:
    (capture,) = cutting.migration.mappings.of(PROCESSOR)
    cutting.aws.functions.update_event_source_mapping(UUID=capture["UUID"], Enabled=False)
    cutting.clock.sleep(23 * 3600)
    cutting.ready()
    first, verified_at = cutting.record, cutting.clock()
    cutting.clock.sleep(3 * 3600)
    cutting.aws.functions.update_event_source_mapping(UUID=capture["UUID"], Enabled=True)
    cutting.ready()
    assert cutting.record.incomplete == first.incomplete
    noticed = cutting.record.incomplete_at
    assert noticed is not None
    assert noticed > verified_at
    cutting.clock.sleep(600)
    cutting.ready()
    assert cutting.record.incomplete_at == noticed, "capture works again"


def test_a_fence_that_a_call_put_after_its_cut_over_was_given_up_is_lifted_where_nothing_is_under_way() -> None:
    cutting = Cutting()
    cutting.ready()
    cutting.policy.put_fence(cutting.fence)
    cutting.clock.sleep(60)
    cutting.ready()
    assert not cutting.is_fenced


def test_a_fence_of_a_cut_over_that_is_under_way_is_not_lifted_by_who_waits() -> None:
    cutting = Cutting()
    cutting_over(cutting).until("every write to be denied")
    cutting.ready()
    assert cutting.is_fenced
