"""Complete: the watch over what has cut over, and its end."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from cut_over import complete, operator_words
from cut_over.completing import UNCHANGED_SECONDS
from ddb_migration import names
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.core.control_record import CLOSED, ControlRecord, MigrationStopped
from ddb_migration.core.cut_over_order import UNFENCED, CutOverOrder
from ddb_migration.core.state_call import Call
from enable_trigger import start_capture
from tests.functions.cutting import Cutting, States, cutting_over
from tests.functions.migration import EXECUTION, Caller

OTHERS = {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "dynamodb:Scan", "Resource": "*"}


@pytest.fixture
def cutting() -> Cutting:
    return Cutting()


@pytest.fixture
def after(cutting: Cutting) -> Cutting:
    """A fenced migration that has cut over."""
    cutting_over(cutting).to_end()
    return cutting


def ask(cutting: Cutting, lift_fence: bool = False) -> dict[str, Any]:
    return operator_words.complete(cutting.parts(), {"lift_fence": lift_fence})


def ask_until_done(cutting: Cutting, lift_fence: bool = False) -> dict[str, Any]:
    for _ in range(40):
        answer = ask(cutting, lift_fence)
        if answer["done"]:
            return answer
        cutting.clock.sleep(5)
    raise AssertionError(f"not done: {answer}")


def is_gone(cutting: Cutting) -> bool:
    return cutting.aws.functions.mappings == {} and cutting.migration.lock().holder() is None


def test_the_operator_completes_and_the_execution_ends(after: Cutting) -> None:
    states = States(after, names.COMPLETE_STATE)
    assert not states.once()["done"]
    answer = ask_until_done(after)
    assert is_gone(after)
    assert (after.record.status, after.record.completed_at) == (CLOSED, after.clock())
    assert after.is_fenced, "it stays fenced unless told"
    assert any("stays fenced" in left for left in answer["left"])
    assert states.once()["done"]
    assert after.aws.events.phases[-1] == names.COMPLETED_PHASE


def test_the_execution_completes_what_the_operator_has_begun(after: Cutting) -> None:
    ask(after, lift_fence=True)
    assert States(after, names.COMPLETE_STATE).to_end()["completed"]
    assert is_gone(after)
    assert not after.is_fenced


def test_the_execution_ends_well_where_the_operator_is_ahead_by_a_moment(after: Cutting) -> None:
    ask(after)
    after.clock.sleep(120)
    control = after.control

    class Overtaken(ControlTable):
        def note_complete(self, now: float) -> ControlRecord:
            control.note_complete(now)
            return super().note_complete(now)

    parts = replace(after.parts(), control=Overtaken(after.aws.dynamodb, "control"))
    call = Call(EXECUTION)
    while not (answer := complete.run(parts, call))["done"]:
        after.clock.sleep(5)
    assert answer["completed"]
    # Also where the epoch is closed already when the state looks.
    assert complete.run(after.parts(), call)["completed"]


def test_another_execution_has_not_completed_it(after: Cutting) -> None:
    ask_until_done(after)
    with pytest.raises(MigrationStopped):
        complete.run(after.parts(), Call("another"))


def test_the_source_takes_writes_again_where_told(after: Cutting) -> None:
    answer = ask_until_done(after, lift_fence=True)
    assert after.aws.dynamodb.policies == {}
    assert not any("fenced" in left for left in answer["left"])


def test_it_names_what_was_switched_on(after: Cutting) -> None:
    after.control.note_switched_on("stream")
    assert "stream of the source, which this migration switched on, is still on" in ask_until_done(after)["left"]


def test_nothing_is_completed_before_the_cut_over(cutting: Cutting) -> None:
    with pytest.raises(MigrationStopped, match="has not cut over"):
        ask(cutting)


def test_parked_keys_are_in_the_way(after: Cutting) -> None:
    key = {"pk": {"S": "k"}}
    after._watermarks().park(key, "e1", "too large")
    with pytest.raises(MigrationStopped, match="1 keys are parked"):
        ask(after)
    after._watermarks().accept(key, "e1", "known", "me")
    ask(after)


def test_a_late_change_asks_for_an_hour_of_quiet(after: Cutting) -> None:
    after.parts().late_changes(after.record).note({"pk": {"S": "k"}}, "1", after.clock())
    after.clock.sleep(UNCHANGED_SECONDS - 1)
    with pytest.raises(MigrationStopped, match="source changed 3599 s ago"):
        ask(after)
    after.clock.sleep(1)
    ask(after)


@pytest.mark.parametrize("lift_fence", [False, True])
def test_an_unfenced_migration_is_watched_for_an_hour(cutting: Cutting, lift_fence: bool) -> None:
    cutting.fences = False
    cutting_over(cutting, CutOverOrder(UNFENCED)).to_end()
    with pytest.raises(MigrationStopped, match="watched for an hour"):
        ask(cutting)
    cutting.clock.sleep(UNCHANGED_SECONDS)
    answer = ask_until_done(cutting, lift_fence)
    assert is_gone(cutting)
    assert not any("fenced" in left for left in answer["left"])
    # Without fence_source_writes the role may not even look.
    assert "GetResourcePolicy" not in cutting.aws.dynamodb.operations()


def test_a_fence_that_a_deployment_takes_away_is_put_back_and_told(after: Cutting) -> None:
    states = States(after, names.COMPLETE_STATE)
    states.once()
    after.deploy_policy(OTHERS)
    assert states.once()["fence_missed"] == 1
    assert after.is_fenced
    kept = json.loads(after.aws.dynamodb.policies[after.source][0])["Statement"]
    assert OTHERS in kept
    assert after.aws.events.phases[-1] == names.FENCE_RESTORED_PHASE
    assert states.once()["fence_missed"] == 1


def test_an_old_table_that_is_deleted_before_the_end_is_as_good_as_a_fenced_one(after: Cutting) -> None:
    after.aws.dynamodb.delete_table(TableName=after.source)
    assert not States(after, names.COMPLETE_STATE).once()["fence_missed"]
    ask_until_done(after)
    assert is_gone(after)


def test_there_is_nothing_to_lift_where_the_old_table_is_gone(after: Cutting) -> None:
    after.aws.dynamodb.delete_table(TableName=after.source)
    ask_until_done(after, lift_fence=True)
    assert is_gone(after)


def test_a_fence_that_was_taken_away_while_nobody_watched_is_put_back_by_the_end(after: Cutting) -> None:
    after.deploy_policy(OTHERS)
    assert not after.is_fenced
    ask_until_done(after)
    assert after.is_fenced


def test_late_changes_are_told(after: Cutting) -> None:
    states = States(after, names.COMPLETE_STATE)
    states.once()
    after.parts().late_changes(after.record).note({"pk": {"S": "k"}}, "1", after.clock())
    states.once()
    states.once()
    assert after.aws.events.phases.count(names.LATE_CHANGES_PHASE) == 1


def test_the_watch_grows_to_ten_minutes(after: Cutting) -> None:
    states = States(after, names.COMPLETE_STATE)
    waits = [states.once()["wait_seconds"] for _ in range(40)]
    assert (waits[0], waits[-1]) == (15, 600)


def test_another_epoch_is_not_taken_for_this_one(after: Cutting) -> None:
    ask_until_done(after)
    after.control.open_epoch("e2", "other", after.migration.stream_arn, after.clock(), "e1")
    with pytest.raises(MigrationStopped):
        States(after, names.COMPLETE_STATE).once()


def test_the_preview_tells_and_changes_nothing(cutting: Cutting) -> None:
    cutting.gate.verdict = replace(cutting.gate.verdict, differences=1)
    before = cutting.record
    found = operator_words.preview(cutting.parts(), {})
    assert (len(found["closed_because"]), found["is_ready"], found["fences"]) == (1, False, True)
    assert found["fence"]["Effect"] == "Deny"
    assert found["fence_seconds"] == 75
    cutting.ready("token")
    assert operator_words.preview(cutting.parts(), {})["is_ready"]
    assert cutting.record.cut_over_started == before.cut_over_started is None


@pytest.mark.parametrize("has_cut_over", [True, False])
def test_a_started_execution_goes_on_where_the_epoch_is(cutting: Cutting, has_cut_over: bool) -> None:
    if has_cut_over:
        cutting_over(cutting).to_end()
    else:
        cutting_over(cutting).until("WriteCdc to end")
    other = f"{EXECUTION}-again"
    cutting.aws.states.status.update({EXECUTION: "FAILED", other: "RUNNING"})
    assert Caller(cutting.migration, start_capture.run, other).once() == {"done": True, "epoch": "e1", "cut_over": True}
    assert cutting.writer_state == "Disabled", "apply is not begun anew"
