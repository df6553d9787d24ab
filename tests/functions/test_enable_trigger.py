from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ddb_migration.aws.destination_lock import DestinationLocked
from ddb_migration.aws.mappings import STREAM_SETTINGS, ForeignMapping
from ddb_migration.core.bulk_plan import BulkPlan, direct_plan, tasks_for
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from enable_trigger import barrier, choose_bulk_load, drain, enable_trigger, export, settle, start_capture
from enable_trigger.handler import STATES
from tests.functions.migration import (
    ALIEN,
    EXECUTION,
    OTHER,
    PROCESSOR,
    QUEUE_ARN,
    WRITER,
    Caller,
    Migration,
    switched_off,
)

AFTER_LOAD = {"settled_at": 1, "bulk_load": "direct", "plan": direct_plan(0, 1).to_text()}


FILTERED = {"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}


def started(migration: Migration, **written: Any) -> ControlRecord:
    """An epoch that StartCapture has opened, with attributes that later states write."""
    migration.aws.states.status.setdefault(EXECUTION, "RUNNING")
    Caller(migration, start_capture.run).once()
    return migration.control.set_once(EXECUTION, **written) if written else migration.control.read()


# --- of all states ---------------------------------------------------------------------------------------------


def _prepared(state: str, migration: Migration) -> None:
    """Bring a migration to where a state can be done."""
    if state == "StartCapture":
        return
    is_loaded = state in ("Barrier", "EnableTrigger", "Drain", "Verify", "Repair")
    started(migration, **(AFTER_LOAD if is_loaded else {}))
    if is_loaded:
        migration.complete_load()
    if is_loaded and state != "Barrier":
        migration.control.set_once(EXECUTION, apply_started=1, barrier_at=2)
    if state == "Drain":
        Caller(migration, enable_trigger.run).once()


REPEATABLE = [state for state in STATES if state != "Export"]


def _settled_record(migration: Migration) -> ControlRecord:
    return migration.control.read()


@pytest.mark.parametrize("state", REPEATABLE)
def test_a_state_called_again_changes_nothing(migration: Migration, state: str) -> None:
    _prepared(state, migration)
    first = Caller(migration, STATES[state]).until_done()
    record, mappings = _settled_record(migration), dict(migration.aws.functions.mappings)
    migration.clock.sleep(1000)
    second = Caller(migration, STATES[state]).until_done()
    assert second == first
    assert _settled_record(migration) == record
    assert migration.aws.functions.mappings == mappings


@pytest.mark.parametrize("state", REPEATABLE)
def test_a_second_execution_is_refused_while_the_first_runs(migration: Migration, state: str) -> None:
    _prepared(state, migration)
    if state == "StartCapture":
        started(migration)
    before = _settled_record(migration)
    with pytest.raises(MigrationStopped, match=f"another execution runs this migration: {EXECUTION}"):
        Caller(migration, STATES[state], OTHER).once()
    assert _settled_record(migration) == before


@pytest.mark.parametrize("state", REPEATABLE)
def test_an_execution_takes_over_from_one_that_has_ended(migration: Migration, state: str) -> None:
    _prepared(state, migration)
    if state == "StartCapture":
        started(migration)
    epoch = migration.control.read().epoch
    migration.aws.states.status.update({EXECUTION: "FAILED", OTHER: "RUNNING"})
    Caller(migration, start_capture.run, OTHER).until_done()
    Caller(migration, STATES[state], OTHER).until_done()
    record = _settled_record(migration)
    assert (record.epoch, record.execution, record.phase) == (epoch, OTHER, state)
    with pytest.raises(MigrationStopped):
        Caller(migration, STATES[state], EXECUTION).once()


@pytest.mark.parametrize("state", [state for state in STATES if state != "StartCapture"])
@pytest.mark.parametrize("ending", ["abort", "tombstone"])
def test_no_state_goes_on_when_the_epoch_is_ending(migration: Migration, state: str, ending: str) -> None:
    _prepared(state, migration)
    migration.control.begin_abort(
        str(migration.control.read().epoch)
    ) if ending == "abort" else migration.control.bury()
    record, mappings = _settled_record(migration), dict(migration.aws.functions.mappings)
    with pytest.raises(MigrationStopped):
        Caller(migration, STATES[state]).once()
    assert _settled_record(migration) == record
    assert migration.aws.functions.mappings == mappings


@pytest.mark.parametrize("state", ["StartCapture", "Barrier", "Drain"])
def test_a_replaced_stream_stops_the_migration(migration: Migration, state: str) -> None:
    _prepared("Drain" if state == "Drain" else "Barrier", migration)
    before = migration.control.read()
    source = migration.aws.dynamodb.tables["source"]
    source.switch_stream({"StreamEnabled": False})
    source.switch_stream({"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    with pytest.raises(start_capture.StreamReplaced, match="changes are lost"):
        Caller(migration, STATES[state]).once()
    after = migration.control.read()
    assert (after.apply_started, after.drained_at) == (before.apply_started, None)
    assert [mapping["EventSourceArn"] for mapping in migration.mappings.of(PROCESSOR)] == [before.stream_arn]


# --- StartCapture ----------------------------------------------------------------------------------------------


def test_start_capture_opens_the_epoch_locks_the_destination_and_maps_the_stream(migration: Migration) -> None:
    answer = Caller(migration, start_capture.run).once()
    record = migration.control.read()
    assert answer == {"done": True, "epoch": "e1", "cut_over": False}
    assert (record.epoch, record.stream_arn, record.execution) == ("e1", migration.stream_arn, EXECUTION)
    assert record.captured_from == migration.clock()
    assert migration.lock().holder() == migration.environment.holder
    (mapping,) = migration.mappings.of(PROCESSOR)
    assert {name: mapping[name] for name in STREAM_SETTINGS} == STREAM_SETTINGS
    assert mapping["EventSourceArn"] == migration.stream_arn


def test_start_capture_takes_the_lock_before_it_opens_the_epoch(migration: Migration) -> None:
    migration.lock(ALIEN).acquire()
    with pytest.raises(DestinationLocked, match="Stack/Other"):
        Caller(migration, start_capture.run).once()
    assert migration.control.read().epoch is None
    assert migration.aws.functions.mappings == {}


def test_start_capture_makes_no_mapping_for_an_epoch_that_another_opened(migration: Migration) -> None:
    migration.aws.dynamodb.before("UpdateItem", lambda: migration.open(OTHER))
    with pytest.raises(MigrationStopped, match=OTHER):
        Caller(migration, start_capture.run).once()
    assert migration.aws.functions.mappings == {}
    assert migration.lock().holder() == migration.environment.holder, "the epoch that is open keeps its lock"


def test_start_capture_takes_over_an_epoch_that_a_call_of_an_ended_execution_opened(migration: Migration) -> None:
    def opened_late() -> None:
        migration.open(OTHER)
        migration.aws.states.status[OTHER] = "ABORTED"

    migration.aws.dynamodb.before("UpdateItem", opened_late)
    Caller(migration, start_capture.run).once()
    record = migration.control.read()
    assert (record.epoch, record.execution, record.is_open) == ("e2", EXECUTION, True)


@pytest.mark.parametrize("ending", ["abort", "tombstone"])
def test_start_capture_takes_back_a_mapping_that_came_too_late(migration: Migration, ending: str) -> None:
    control = migration.control
    end = control.bury if ending == "tombstone" else lambda: control.begin_abort(str(control.read().epoch))
    migration.aws.functions.before("CreateEventSourceMapping", end)
    with pytest.raises(MigrationStopped):
        Caller(migration, start_capture.run).once()
    assert migration.aws.functions.operations().count("CreateEventSourceMapping") == 1
    assert migration.aws.functions.mappings == {}


def test_start_capture_keeps_no_lock_when_the_migration_is_being_removed(migration: Migration) -> None:
    migration.control.bury()
    with pytest.raises(MigrationStopped, match="removed with its stack"):
        Caller(migration, start_capture.run).once()
    assert migration.lock().holder() is None


def test_start_capture_gives_the_lock_back_when_it_is_removed_meanwhile(migration: Migration) -> None:
    migration.aws.ssm.before("PutParameter", migration.control.bury)
    with pytest.raises(MigrationStopped, match="removed with its stack"):
        Caller(migration, start_capture.run).once()
    assert migration.lock().holder() is None


def test_start_capture_opens_nothing_while_an_epoch_is_ending(migration: Migration) -> None:
    started(migration)
    migration.control.begin_abort(str(migration.control.read().epoch))
    migration.lock().release()
    with pytest.raises(MigrationStopped, match="aborting"):
        Caller(migration, start_capture.run, OTHER).once()
    assert migration.lock().holder() is None


def test_start_capture_adopts_only_its_own_settings(migration: Migration) -> None:
    migration.aws.functions.create_event_source_mapping(
        FunctionName=PROCESSOR, EventSourceArn=migration.stream_arn, **{**STREAM_SETTINGS, "StartingPosition": "LATEST"}
    )
    with pytest.raises(ForeignMapping, match="StartingPosition"):
        Caller(migration, start_capture.run).once()


def test_start_capture_needs_a_stream(migration: Migration) -> None:
    migration.aws.dynamodb.tables["source"].switch_stream({"StreamEnabled": False})
    with pytest.raises(start_capture.StreamReplaced, match="no stream any more"):
        Caller(migration, start_capture.run).once()
    assert migration.lock().holder() is None


# --- Settle ----------------------------------------------------------------------------------------------------


def test_settle_waits_for_the_mapping_and_then_five_minutes(migration: Migration) -> None:
    migration.aws.functions.slow = True
    started(migration)
    caller = Caller(migration, settle.run)
    assert caller.once()["waiting_for"] == "the stream mapping to be Enabled"
    caller.once()
    assert caller.waits == [15, 18], "polling grows"
    migration.aws.functions.settle()
    enabled_at = migration.clock()
    assert caller.once()["held"] is True
    assert migration.control.read().settled_at is None
    assert caller.once()["done"]
    assert migration.control.read().settled_at == migration.clock() >= enabled_at + 300


def test_settle_holds_again_for_a_new_execution(migration: Migration) -> None:
    started(migration)
    Caller(migration, settle.run).once()
    assert Caller(migration, settle.run).once() == {"done": False, "wait_seconds": 300, "held": True}


def test_settle_sees_that_capture_fails(migration: Migration) -> None:
    started(migration)
    caller = Caller(migration, settle.run)
    caller.once()
    migration.report_mapping(PROCESSOR, "PROBLEM: Function call failed")
    with pytest.raises(settle.CaptureFailing, match="Function call failed"):
        caller.until_done()
    assert len(caller.waits) == 1 + settle.FAILING_LOOKS
    assert migration.control.read().settled_at is None


def test_settle_sees_that_capture_is_filtered(migration: Migration) -> None:
    started(migration)
    caller = Caller(migration, settle.run)
    caller.once()
    (mapping,) = migration.aws.functions.mappings.values()
    mapping.update(FILTERED)
    with pytest.raises(settle.CaptureFailing, match="has FilterCriteria, by which Lambda discards changes"):
        caller.until_done()


def test_settle_looks_again_after_a_call_that_failed(migration: Migration) -> None:
    started(migration)
    caller = Caller(migration, settle.run)
    caller.once()
    migration.report_mapping(PROCESSOR, "PROBLEM: Function call failed")
    assert "Function call failed" in caller.once()["waiting_for"]
    assert migration.control.read().settled_at is None
    migration.report_mapping(PROCESSOR, "OK")
    assert caller.once()["done"]
    assert migration.control.read().settled_at is not None


def test_settle_does_not_count_time_in_which_the_mapping_was_away(migration: Migration) -> None:
    started(migration)
    caller = Caller(migration, settle.run)
    caller.once()
    (mapping,) = migration.aws.functions.mappings.values()
    mapping["State"] = "Disabled"
    assert "held" not in caller.once()
    mapping["State"] = "Enabled"
    assert caller.once()["held"] is True
    assert caller.once()["done"]


# --- ChooseBulkLoad --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "chosen"), [(0, "direct"), (999, "direct"), (1000, "large"), (10**12, "large")])
def test_the_threshold_chooses_the_bulk_load(migration: Migration, size: int, chosen: str) -> None:
    migration.aws.dynamodb.tables["source"].description["TableSizeBytes"] = size
    started(migration)
    assert Caller(migration, choose_bulk_load.run).once() == {"done": True, "bulk_load": chosen, "epoch": "e1"}
    record = migration.control.read()
    plan = direct_plan(size, tasks_for("G.1X", 4)).to_text() if chosen == "direct" else None
    assert (record.bulk_load, record.plan, record.max_read_units_per_second) == (chosen, plan, 3000)


def test_the_choice_of_an_epoch_is_kept(migration: Migration) -> None:
    started(migration)
    Caller(migration, choose_bulk_load.run).once()
    before = migration.control.read()
    migration.aws.dynamodb.tables["source"].description["TableSizeBytes"] = 10**12
    migration.settings["max_workers"] = 40
    migration.settings["max_read_units_per_second"] = 5
    assert Caller(migration, choose_bulk_load.run).once()["bulk_load"] == "direct"
    assert migration.control.read() == before


def test_the_read_limit_is_the_users_where_there_is_one(migration: Migration) -> None:
    migration.settings["max_read_units_per_second"] = 5
    started(migration)
    Caller(migration, choose_bulk_load.run).once()
    assert migration.control.read().max_read_units_per_second == 5


def test_there_is_no_bulk_load_behind_the_barrier(migration: Migration) -> None:
    started(migration, apply_started=1, **AFTER_LOAD)
    assert Caller(migration, choose_bulk_load.run).once()["bulk_load"] == "none"


# --- Export ----------------------------------------------------------------------------------------------------


@pytest.fixture
def exporting(migration: Migration) -> Migration:
    migration.parts().tables.enable_recovery(migration.source)
    migration.clock.sleep(10_000)
    started(migration, settled_at=migration.clock())
    return migration


def finish_export(migration: Migration, status: str, **more: Any) -> None:
    (description,) = [d for d in migration.aws.dynamodb.exports.values() if d["ExportStatus"] == "IN_PROGRESS"]
    description.update(ExportStatus=status, **more)


def test_export_waits_until_its_time_is_restorable(exporting: Migration) -> None:
    exporting.clock.sleep(0.75)
    began = exporting.clock()
    caller = Caller(exporting, export.run)
    while not exporting.aws.dynamodb.exports:
        assert not caller.once()["done"]
    record = exporting.control.read()
    assert record.export_time == int(began)
    assert exporting.clock() >= int(began) + 300
    (description,) = exporting.aws.dynamodb.exports.values()
    assert description["ExportTime"].timestamp() == int(began)
    assert description["S3Prefix"] == "export/e1"
    finish_export(exporting, "COMPLETED", ExportManifest="export/e1/manifest-summary.json")
    assert caller.until_done() == {"done": True, "epoch": "e1"}
    plan = BulkPlan.from_text(str(exporting.control.read().plan))
    assert plan == BulkPlan(units=0, tasks=12, manifest="export/e1/manifest-summary.json")
    assert Caller(exporting, export.run, EXECUTION).once()["done"]


def test_export_is_asked_for_once_when_the_answer_was_lost(exporting: Migration) -> None:
    caller = Caller(exporting, export.run)
    while not exporting.aws.dynamodb.exports:
        caller.once()
    # The process ended between the export and the note of its ARN.
    del exporting.aws.dynamodb.tables["control"].items[(("S", "migration"), ("S", "record"))]["export_arn"]
    Caller(exporting, export.run).once()
    assert len(exporting.aws.dynamodb.exports) == 1
    assert exporting.control.read().export_arn in exporting.aws.dynamodb.exports


def test_an_export_is_not_waited_for_while_recovery_is_off(exporting: Migration) -> None:
    caller = Caller(exporting, export.run)
    caller.once()
    off = {"PointInTimeRecoveryEnabled": False}
    exporting.aws.dynamodb.update_continuous_backups(TableName="source", PointInTimeRecoverySpecification=off)
    with pytest.raises(export.ExportFailed, match="recovery is off for .*source.*switch it on and start again"):
        caller.once()


def test_an_export_is_of_a_later_time_where_recovery_does_not_reach_back(exporting: Migration) -> None:
    caller = Caller(exporting, export.run)
    caller.once()
    first = exporting.control.read().export_time
    exporting.clock.sleep(3600)
    for enabled in (False, True):
        spec = {"PointInTimeRecoveryEnabled": enabled}
        exporting.aws.dynamodb.update_continuous_backups(TableName="source", PointInTimeRecoverySpecification=spec)
    exporting.clock.sleep(3600)
    again = exporting.clock()
    assert "does not reach back" in caller.once()["waiting_for"]
    while not exporting.aws.dynamodb.exports:
        caller.once()
    later = exporting.control.read().export_time
    assert first is not None
    assert later is not None
    assert later >= again > first


def test_a_failed_export_says_why_and_the_next_start_makes_another(exporting: Migration) -> None:
    caller = Caller(exporting, export.run)
    while not exporting.aws.dynamodb.exports:
        caller.once()
    first = exporting.control.read()
    finish_export(exporting, "FAILED", FailureCode="S3NoSuchBucket", FailureMessage="no bucket")
    with pytest.raises(export.ExportFailed, match="S3NoSuchBucket: no bucket"):
        caller.once()
    exporting.clock.sleep(60)
    again = Caller(exporting, export.run)
    while len(exporting.aws.dynamodb.exports) == 1:
        again.once()
    second = exporting.control.read()
    assert (second.export_time or 0) >= (first.export_time or 0) + 60
    assert second.export_arn != first.export_arn


# --- Barrier ---------------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(migration: Migration) -> Migration:
    _prepared("Barrier", migration)
    return migration


def test_the_barrier_forbids_writes_first_and_then_holds_for_two_minutes(loaded: Migration) -> None:
    caller = Caller(loaded, barrier.run)
    began = loaded.clock()
    assert caller.once()["held"] is True
    record = loaded.control.read()
    assert (record.apply_started, record.bulk_loaded_at, record.barrier_at) == (began, began, None)
    assert caller.once()["done"]
    assert loaded.control.read().barrier_at == loaded.clock() == began + 120


def test_the_barrier_refuses_an_incomplete_load_and_leaves_it_writable(migration: Migration) -> None:
    started(migration, **AFTER_LOAD)
    with pytest.raises(barrier.BulkLoadIncomplete, match="start the migration again"):
        Caller(migration, barrier.run).once()
    migration.control.read().require_bulk_load("e1")


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "STOPPING", "WAITING"])
@pytest.mark.parametrize("job", ["direct-job", "large-job"])
def test_the_barrier_waits_for_runs_that_may_still_write(loaded: Migration, state: str, job: str) -> None:
    loaded.aws.glue.start_job_run(JobName=job)
    loaded.aws.glue.runs[job][0]["JobRunState"] = state
    caller = Caller(loaded, barrier.run)
    for _ in range(30):
        assert caller.once()["waiting_for"] == "1 Glue runs to end"
    assert loaded.control.read().apply_started is not None
    assert loaded.control.read().barrier_at is None
    assert caller.waits[0] == 15
    assert caller.waits[-1] == 600
    loaded.aws.glue.runs[job][0]["JobRunState"] = "STOPPED"
    ended = loaded.clock()
    caller.until_done()
    assert (loaded.control.read().barrier_at or 0) >= ended + 120


def test_a_run_that_appears_during_the_hold_starts_it_anew(loaded: Migration) -> None:
    caller = Caller(loaded, barrier.run)
    caller.once()
    loaded.aws.glue.start_job_run(JobName="direct-job")
    assert "held" not in caller.once()
    loaded.aws.glue.runs["direct-job"][0]["JobRunState"] = "FAILED"
    assert caller.once()["held"] is True
    assert caller.once()["done"]


def test_a_new_execution_holds_at_the_barrier_again(loaded: Migration) -> None:
    Caller(loaded, barrier.run).once()
    assert Caller(loaded, barrier.run).once()["held"] is True
    assert loaded.control.read().barrier_at is None


# --- EnableTrigger ---------------------------------------------------------------------------------------------


def test_enable_trigger_refuses_before_the_barrier(loaded: Migration) -> None:
    loaded.control.set_once(EXECUTION, apply_started=1)
    with pytest.raises(MigrationStopped, match="changes wait in the queue"):
        Caller(loaded, enable_trigger.run).once()
    assert loaded.mappings.of(WRITER) == []


def test_enable_trigger_maps_the_queue_with_todays_concurrency(migration: Migration) -> None:
    _prepared("EnableTrigger", migration)
    assert Caller(migration, enable_trigger.run).once() == {"done": True}
    migration.settings["max_apply_concurrency"] = 7
    Caller(migration, enable_trigger.run).once()
    (mapping,) = migration.mappings.of(WRITER, QUEUE_ARN)
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": 7}
    assert mapping["State"] == "Enabled"
    assert migration.control.read().trigger_enabled_at == migration.clock()


@pytest.mark.parametrize("ending", ["abort", "tombstone"])
def test_enable_trigger_takes_back_a_mapping_that_came_too_late(migration: Migration, ending: str) -> None:
    _prepared("EnableTrigger", migration)
    control = migration.control
    end = control.bury if ending == "tombstone" else lambda: control.begin_abort(str(control.read().epoch))
    migration.aws.functions.before("CreateEventSourceMapping", end)
    with pytest.raises(MigrationStopped):
        Caller(migration, enable_trigger.run).once()
    assert migration.mappings.of(WRITER) == []


def test_enable_trigger_refuses_a_mapping_that_may_have_deleted_changes(migration: Migration) -> None:
    _prepared("EnableTrigger", migration)
    made = migration.mappings.ensure_queue(WRITER, QUEUE_ARN, 100)
    migration.aws.functions.mappings[made["UUID"]]["FunctionResponseTypes"] = []
    with pytest.raises(ForeignMapping, match="delete that mapping and start again"):
        Caller(migration, enable_trigger.run).once()
    assert "FunctionResponseTypes" in str(migration.control.read().incomplete)
    migration.mappings.delete(made)
    assert Caller(migration, enable_trigger.run).once()["done"]


# --- Drain -----------------------------------------------------------------------------------------------------


@pytest.fixture
def draining(migration: Migration) -> Migration:
    _prepared("Drain", migration)
    return migration


def fill(migration: Migration) -> None:
    entry = {"Id": "0", "MessageBody": "body", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
    migration.aws.sqs.send_message_batch(QueueUrl=migration.queue_url, Entries=[entry])


def empty(migration: Migration) -> None:
    migration.aws.sqs.queues[migration.queue_url].messages.clear()


def test_drain_is_five_minutes_of_low_lag(draining: Migration) -> None:
    caller, began = Caller(draining, drain.run), draining.clock()
    answer = caller.until_done()
    assert answer == {"done": True, "epoch": "e1", "lag_seconds": 0.0, "parked": 0, "incomplete": None}
    assert caller.waits == [60] * 5
    assert draining.control.read().drained_at == draining.clock() == began + 300


def test_lag_in_between_starts_the_five_minutes_anew(draining: Migration) -> None:
    caller = Caller(draining, drain.run)
    for _ in range(4):
        caller.once()
    fill(draining)
    answer = caller.once()
    assert answer["waiting_for"] == "lag to fall under 30 s; it is unknown"
    empty(draining)
    low_again = draining.clock()
    caller.until_done()
    assert draining.clock() == low_again + 300


@pytest.mark.parametrize("broken", [PROCESSOR, WRITER])
@pytest.mark.parametrize("how", ["failing", "disabled", "gone"])
def test_drain_never_ends_with_a_mapping_that_does_not_work(draining: Migration, broken: str, how: str) -> None:
    (mapping,) = [m for m in draining.aws.functions.mappings.values() if m["FunctionArn"] == broken]
    breaks: dict[str, Callable[[], object]] = {
        "failing": lambda: draining.report_mapping(broken, "PROBLEM: Function call failed"),
        "disabled": lambda: mapping.update(State="Disabled"),
        "gone": lambda: draining.aws.functions.mappings.pop(mapping["UUID"]),
    }
    breaks[how]()
    caller = Caller(draining, drain.run)
    for _ in range(12):
        assert not caller.once()["done"]
    assert draining.control.read().drained_at is None


@pytest.mark.parametrize("filtered", [PROCESSOR, WRITER])
def test_a_filter_put_on_meanwhile_holds_drain_up_and_makes_the_epoch_incomplete(
    draining: Migration, filtered: str
) -> None:
    (mapping,) = [m for m in draining.aws.functions.mappings.values() if m["FunctionArn"] == filtered]
    mapping.update(FILTERED)
    caller = Caller(draining, drain.run)
    for _ in range(12):
        assert f"of {filtered} has FilterCriteria" in caller.once()["waiting_for"]
    last = draining.control.read().incomplete_at
    assert last == draining.clock() - caller.waits[-1], "a verify that began before the last look does not cure it"
    del mapping["FilterCriteria"]
    assert "has FilterCriteria" in str(caller.until_done()["incomplete"])


DAY = 24 * 3600


@pytest.mark.parametrize(("function", "leg"), [(PROCESSOR, "capture"), (WRITER, "apply")])
def test_drain_tells_that_changes_may_have_expired_and_goes_on(draining: Migration, function: str, leg: str) -> None:
    Caller(draining, drain.run).once()
    switched_off(draining, function, 23 * 3600 if leg == "capture" else 14 * DAY - 3600)
    answer = Caller(draining, drain.run).until_done()
    assert answer["incomplete"].startswith(f"nothing shows that {leg} worked from 2026-")
    assert draining.control.read().incomplete == answer["incomplete"]
    assert draining.control.read().drained_at


@pytest.mark.parametrize("function", [PROCESSOR, WRITER])
def test_a_short_pause_is_no_gap(draining: Migration, function: str) -> None:
    Caller(draining, drain.run).once()
    switched_off(draining, function, 22 * 3600)
    assert Caller(draining, drain.run).until_done()["incomplete"] is None


def test_a_table_that_nobody_writes_to_is_no_gap(draining: Migration) -> None:
    Caller(draining, drain.run).once()
    draining.clock.sleep(13 * DAY)
    assert Caller(draining, drain.run).until_done()["incomplete"] is None


def test_what_worked_while_no_execution_ran_is_seen_by_the_next(draining: Migration) -> None:
    """Else a short pause just after a start would count together with all the time before it."""
    Caller(draining, drain.run).once()
    draining.clock.sleep(14 * 3600)
    draining.aws.states.status.update({EXECUTION: "ABORTED", OTHER: "RUNNING"})
    Caller(draining, start_capture.run, OTHER).until_done()
    switched_off(draining, PROCESSOR, 11 * 3600)
    assert Caller(draining, drain.run, OTHER).until_done()["incomplete"] is None


def test_capture_that_fails_for_a_day_is_a_gap_though_nobody_touched_it(draining: Migration) -> None:
    caller = Caller(draining, drain.run)
    caller.once()
    draining.report_mapping(PROCESSOR, "PROBLEM: Function call failed")
    while draining.clock() < draining.control.read().captured_from + DAY:  # type: ignore[operator]
        caller.once()
    assert "nothing shows that capture worked" in str(draining.control.read().incomplete)


def test_the_first_reason_stays(draining: Migration) -> None:
    Caller(draining, drain.run).once()
    switched_off(draining, PROCESSOR, DAY)
    Caller(draining, drain.run).once()
    first = draining.control.read().incomplete
    switched_off(draining, PROCESSOR, 2 * DAY)
    Caller(draining, drain.run).once()
    assert draining.control.read().incomplete == first


def test_the_barrier_looks_at_capture_after_a_long_bulk_load(migration: Migration) -> None:
    _prepared("Barrier", migration)
    switched_off(migration, PROCESSOR, DAY)
    Caller(migration, barrier.run).once()
    assert "24.0 hours, and the stream keeps a change for 24" in str(migration.control.read().incomplete)


def test_a_new_epoch_is_complete(draining: Migration) -> None:
    switched_off(draining, PROCESSOR, DAY)
    Caller(draining, drain.run).once()
    draining.control.begin_abort(str(draining.control.read().epoch))
    draining.control.close(str(draining.control.read().epoch))
    assert draining.control.read().incomplete
    assert draining.open(OTHER).incomplete is None


def test_drain_tells_how_many_keys_are_parked(draining: Migration) -> None:
    draining.control.rows.update("watermark", "watermark", "SET #parked_epoch = :e", {"e": "e1"})
    assert Caller(draining, drain.run).until_done()["parked"] == 1
