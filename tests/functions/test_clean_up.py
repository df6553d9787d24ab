from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clean_up import bucket
from clean_up.ending import Ending, Fence
from clean_up.export import remove_export, unfinished_export
from clean_up.fence_left import tell_of_fences
from clean_up.guard import MigrationRuns, require_not_left, require_unharmed
from ddb_migration.aws.announcements import Announcements
from ddb_migration.aws.destination_lock import Holder
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.exports import Exports
from ddb_migration.aws.removal import LAST_INVOCATIONS_SECONDS
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.core.control_record import ABORTING, CLOSED, ControlRecord, MigrationStopped
from ddb_migration.core.fence import KEEP, LIFT, Statement, fence_sid, fence_statement
from enable_trigger import enable_trigger, start_capture
from tests.fakes.aws import FakeAws
from tests.fakes.client_errors import client_error
from tests.functions.cutting import Cutting, cutting_over
from tests.functions.migration import ALIEN, EXECUTION, OTHER, PROCESSOR, WRITER, Caller, Migration


def seen(epoch: str, status: str) -> dict[str, Any]:
    """What SetupCheck answers of the epoch that it found."""
    return {"setup": {"epoch": epoch, "status": status}}


def source_fence(migration: Migration, fence: Statement) -> Fence:
    return Fence(migration.control, TablePolicy(migration.aws.dynamodb, migration.source), fence, migration.source)


def ending(migration: Migration) -> Ending:
    return Ending(
        control=migration.control,
        mappings=migration.mappings,
        jobs=migration.jobs,
        executions=Executions(migration.aws.states),
        lock=migration.lock(),
        functions=(PROCESSOR, WRITER),
        fences=(source_fence(migration, fence_statement(fence_sid("control"), migration.source)),),
        clock=migration.clock,
    )


@pytest.fixture
def running(migration: Migration) -> Migration:
    """A migration in the midst of everything: execution, run and both mappings are there."""
    migration.aws.states.status[EXECUTION] = "RUNNING"
    Caller(migration, start_capture.run).once()
    migration.control.set_once(EXECUTION, apply_started=1, barrier_at=2)
    Caller(migration, enable_trigger.run).once()
    migration.aws.glue.start_job_run(JobName="direct-job")
    return migration


def test_an_epoch_ends_in_passes(running: Migration) -> None:
    aws, end = running.aws, ending(running)
    assert end.step() == "1 Glue runs to stop"
    assert aws.states.status[EXECUTION] == "ABORTED"
    assert running.control.read().status == ABORTING
    assert end.step() == "1 Glue runs to stop"
    aws.glue.runs["direct-job"][0]["JobRunState"] = "STOPPED"
    assert end.step() == "2 event source mappings to go"
    assert running.lock().holder() is not None
    waits = []
    while (waiting := end.step()) is not None:
        waits.append(waiting)
        running.clock.sleep(5)
    assert aws.functions.mappings == {}
    assert len(waits) * 5 >= LAST_INVOCATIONS_SECONDS
    assert all("last invocations to end" in waiting for waiting in waits)
    assert running.control.read().status == CLOSED
    assert running.lock().holder() is None
    assert end.step() is None, "and once more"


def test_the_lock_is_held_until_the_last_invocation_has_ended(running: Migration) -> None:
    end = ending(running)
    for run in running.aws.glue.runs["direct-job"]:
        run["JobRunState"] = "STOPPED"
    end.step()
    removed = running.clock()
    while end.step() is not None:
        assert running.lock().holder() is not None
        assert running.control.read().status == ABORTING
        running.clock.sleep(1)
    assert running.clock() - removed >= LAST_INVOCATIONS_SECONDS


def test_mappings_in_transition_are_waited_for(running: Migration) -> None:
    end, functions = ending(running), running.aws.functions
    running.aws.glue.runs["direct-job"][0]["JobRunState"] = "STOPPED"
    functions.slow = True
    for mapping in functions.mappings.values():
        mapping["State"] = "Updating"
    assert end.step() == "2 event source mappings to go"
    functions.settle()
    assert end.step() == "2 event source mappings to go"
    running.clock.sleep(100)
    assert end.step() == "2 event source mappings to go", "Deleting is not gone"
    functions.settle()
    assert "last invocations" in str(end.step()), "counted from when the last was seen"


def test_a_mapping_that_came_late_is_found_by_a_later_pass(running: Migration) -> None:
    end = ending(running)
    running.aws.glue.runs["direct-job"][0]["JobRunState"] = "STOPPED"
    end.step()
    running.clock.sleep(LAST_INVOCATIONS_SECONDS - 1)
    running.aws.functions.create_event_source_mapping(FunctionName=WRITER, EventSourceArn="arn:queue")
    running.clock.sleep(1)
    assert end.step() == "1 event source mappings to go"
    assert "last invocations" in str(end.step())


def test_other_functions_mappings_are_left_alone(running: Migration) -> None:
    running.aws.functions.create_event_source_mapping(
        FunctionName="arn:function:theirs", EventSourceArn=running.stream_arn
    )
    running.aws.glue.runs["direct-job"][0]["JobRunState"] = "STOPPED"
    end = ending(running)
    while end.step() is not None:
        running.clock.sleep(30)
    assert [mapping["FunctionArn"] for mapping in running.aws.functions.mappings.values()] == ["arn:function:theirs"]


def test_a_migration_that_never_began_ends_at_once(migration: Migration) -> None:
    assert ending(migration).step() is None
    assert migration.control.read().status == CLOSED
    assert migration.aws.states.operations() == []


def test_a_lock_without_an_epoch_is_given_back(migration: Migration) -> None:
    migration.lock().acquire()
    assert ending(migration).step() is None
    assert migration.lock().holder() is None


def test_another_migrations_lock_is_left_alone(migration: Migration) -> None:
    migration.lock(ALIEN).acquire()
    assert ending(migration).step() is None
    assert migration.lock().holder() == ALIEN


def begin_anew(running: Migration) -> None:
    """Give the epoch up, and let another execution open the next one."""
    running.aws.glue.runs["direct-job"][0]["JobRunState"] = "STOPPED"
    end = ending(running)
    while end.step() is not None:
        running.clock.sleep(30)
    running.aws.states.status[OTHER] = "RUNNING"
    Caller(running, start_capture.run, OTHER, seen("e1", "closed")).once()


def test_a_new_epoch_starts_after_an_abort(running: Migration) -> None:
    begin_anew(running)
    record = running.control.read()
    assert (record.epoch, record.apply_started, record.mappings_removed_at) == ("e2", None, None)


@pytest.mark.parametrize("setup", [seen("e1", "open"), seen("e1", "aborting"), seen("e0", "closed"), {}])
def test_no_epoch_follows_one_that_was_closed_after_the_set_up_was_looked_at(
    running: Migration, setup: dict[str, Any]
) -> None:
    running.control.begin_abort(str(running.control.read().epoch))
    running.control.close(str(running.control.read().epoch))
    running.aws.states.status[OTHER] = "RUNNING"
    with pytest.raises(MigrationStopped, match="start again: ddb-migration start"):
        Caller(running, start_capture.run, OTHER, setup).once()
    assert not running.control.read().is_open


def test_a_pass_that_was_held_up_leaves_an_epoch_alone_that_was_opened_since(running: Migration) -> None:
    running.aws.states.before("StopExecution", lambda: begin_anew(running))
    with pytest.raises(MigrationStopped, match="started again meanwhile"):
        ending(running).step()
    assert (running.control.read().epoch, running.control.read().status) == ("e2", "open")


def test_an_abort_of_nothing_leaves_an_epoch_alone_that_is_opened_meanwhile(migration: Migration) -> None:
    """Its mapping above all: what it captures until somebody notices would be lost."""
    migration.aws.functions.before(
        "ListEventSourceMappings", lambda: Caller(migration, start_capture.run, EXECUTION, {}).once()
    )
    with pytest.raises(MigrationStopped, match="started again meanwhile"):
        ending(migration).step()
    assert [mapping["FunctionArn"] for mapping in migration.aws.functions.mappings.values()] == [PROCESSOR]
    assert migration.control.read().is_open


def test_nothing_of_the_old_execution_goes_on(running: Migration) -> None:
    ending(running).step()
    with pytest.raises(MigrationStopped, match="aborting"):
        Caller(running, enable_trigger.run).once()


# --- the guard of deployments ----------------------------------------------------------------------------------

ME = Holder("Stack/Orders", "control", "queue", "processor")


@pytest.mark.parametrize(
    ("deployed", "what"),
    [
        (Holder("Stack/Renamed", "control-new", "queue-new", "processor-new"), "a migration of another name"),
        (Holder("Stack/Orders", "control-new", "queue", "processor"), "a migration of another name"),
        (Holder("Stack/Orders", "control", "queue-new", "processor"), "the same migration with new resources"),
        (Holder("Stack/Orders", "control", "queue", "processor-new"), "the same migration with new resources"),
    ],
    ids=["renamed or moved", "control table replaced", "queue replaced", "StreamProcessor replaced"],
)
def test_a_deployment_that_would_take_a_running_migrations_parts_is_refused(
    migration: Migration, deployed: Holder, what: str
) -> None:
    migration.lock(ME).acquire()
    with pytest.raises(MigrationRuns, match=re.escape(what)) as refused:
        require_unharmed(migration.lock(deployed), deployed)
    assert "ddb-migration abort Stack/Orders" in str(refused.value)
    assert "force_delete=True" in str(refused.value)


def test_a_deployment_that_changes_nothing_of_that_passes(migration: Migration) -> None:
    require_unharmed(migration.lock(ME), ME)
    migration.lock(ME).acquire()
    require_unharmed(migration.lock(ME), ME)
    require_unharmed(migration.lock(ME), Holder("Stack/NewTitle", "control", "queue", "processor"))


def test_the_update_by_which_cloudformation_rolls_back_passes(migration: Migration) -> None:
    migration.lock(ME).acquire()
    replaced = Holder("Stack/Orders", "control", "queue-new", "processor")
    with pytest.raises(MigrationRuns):
        require_unharmed(migration.lock(replaced), replaced)
    require_unharmed(migration.lock(ME), ME)
    require_not_left(migration.lock(ME), Holder("Stack/Orders", "other-control", "queue", "processor"))


def test_a_running_migration_does_not_leave_its_destination(migration: Migration) -> None:
    require_not_left(migration.lock(ME), ME)
    migration.lock(ME).acquire()
    with pytest.raises(MigrationRuns, match="the destination that this deployment takes from it"):
        require_not_left(migration.lock(ME), ME)


# --- the export ------------------------------------------------------------------------------------------------


def test_an_export_in_progress_is_waited_for(migration: Migration) -> None:
    exports = Exports(migration.aws.dynamodb, migration.source, "bucket")
    assert unfinished_export(exports, ControlRecord()) is None
    arn = exports.start("e1", 1000)
    record = ControlRecord(export_arn=arn)
    for status, waits in (("IN_PROGRESS", True), ("COMPLETED", False), ("FAILED", False)):
        migration.aws.dynamodb.exports[arn]["ExportStatus"] = status
        assert (unfinished_export(exports, record) is not None) == waits


class NoExports:
    def __init__(self, code: str) -> None:
        self._code = code

    def describe_export(self, **_: str) -> None:
        raise ClientError({"Error": {"Code": self._code, "Message": ""}}, "DescribeExport")


def test_an_export_that_dynamodb_has_forgotten_is_over() -> None:
    record = ControlRecord(export_arn="arn:export")
    assert unfinished_export(Exports(NoExports("ExportNotFoundException"), "arn:table", "bucket"), record) is None
    with pytest.raises(ClientError, match="AccessDenied"):
        unfinished_export(Exports(NoExports("AccessDenied"), "arn:table", "bucket"), record)


@pytest.mark.parametrize(
    ("export", "status", "kept"),
    [
        ("COMPLETED", "closed", {"export/e2/data", "verify/e1/report.json"}),
        ("IN_PROGRESS", "closed", {"export/e1/data", "export/e2/data", "verify/e1/report.json"}),
        # Somebody has begun anew meanwhile: what the epoch's export is belongs to it.
        ("COMPLETED", "open", {"export/e1/data", "export/e2/data", "verify/e1/report.json"}),
    ],
)
def test_an_abort_removes_the_export_of_its_epoch_once_it_is_written(
    migration: Migration, export: str, status: str, kept: set[str]
) -> None:
    exports, s3 = Exports(migration.aws.dynamodb, migration.source, "b"), FakeAws().s3
    s3.create_bucket(Bucket="b")
    for key in ("export/e1/data", "export/e2/data", "verify/e1/report.json"):
        s3.put_object(Bucket="b", Key=key, Body=b"")
    arn = exports.start("e1", 1000)
    migration.aws.dynamodb.exports[arn]["ExportStatus"] = export
    remove_export(s3, exports, ControlRecord(epoch="e1", status=status, export_arn=arn), "b")
    assert set(s3.buckets["b"]) == kept


# --- the bucket ------------------------------------------------------------------------------------------------


def test_the_bucket_is_emptied_page_by_page() -> None:
    s3 = FakeAws().s3
    s3.create_bucket(Bucket="b")
    bucket.empty(s3, "b")
    for number in range(7):
        s3.put_object(Bucket="b", Key=f"export/{number}", Body=b"")
    bucket.empty(s3, "b")
    assert s3.buckets["b"] == {}


def test_an_object_that_s3_keeps_is_an_error() -> None:
    s3 = FakeAws().s3
    s3.create_bucket(Bucket="b")
    s3.put_object(Bucket="b", Key="stubborn", Body=b"")
    s3.undeletable.add("stubborn")
    with pytest.raises(RuntimeError, match="S3 kept an object of b: InternalError"):
        bucket.empty(s3, "b")


# --- around a cut-over -------------------------------------------------------------------------------------------


def ending_of(cutting: Cutting) -> Ending:
    return replace(ending(cutting.migration), fences=(source_fence(cutting.migration, cutting.fence),))


def to_end(end: Ending, cutting: Cutting) -> None:
    for _ in range(40):
        if end.step() is None:
            return
        cutting.clock.sleep(5)
    raise AssertionError("not ended")


@pytest.mark.parametrize("where", ["every write to be denied", "WriteCdc to end", None])
def test_an_abort_is_refused_from_the_cut_over_on(where: str | None) -> None:
    cutting = Cutting()
    states = cutting_over(cutting)
    states.until(where) if where else states.to_end()
    with pytest.raises(MigrationStopped, match="cutting over, or has done so"):
        ending_of(cutting).step()
    assert cutting.aws.states.status[EXECUTION] == "RUNNING"
    assert cutting.record.is_open
    assert cutting.is_fenced


@pytest.mark.parametrize("where", ["every write to be denied", "WriteCdc to end"])
def test_a_stack_that_goes_in_mid_cut_over_leaves_no_fence(where: str) -> None:
    cutting = Cutting()
    cutting_over(cutting).until(where)
    cutting.control.bury()
    to_end(ending_of(cutting), cutting)
    assert not cutting.is_fenced
    assert cutting.aws.functions.mappings == {}
    assert cutting.record.status == CLOSED


def test_a_fence_that_came_late_goes_too() -> None:
    cutting = Cutting()
    cutting_over(cutting).until("every write to be denied")
    cutting.control.bury()
    end = ending_of(cutting)
    end.step()
    cutting.policy.put_fence(cutting.fence)
    to_end(end, cutting)
    assert not cutting.is_fenced


def test_a_stack_that_goes_after_the_cut_over_leaves_the_fence() -> None:
    cutting = Cutting()
    cutting_over(cutting).to_end()
    cutting.control.bury()
    to_end(ending_of(cutting), cutting)
    assert cutting.is_fenced
    assert (cutting.aws.functions.mappings, cutting.record.status) == ({}, CLOSED)


def test_a_stack_that_goes_puts_a_fence_back_that_a_deployment_took_away_unwatched() -> None:
    cutting = Cutting()
    cutting_over(cutting).to_end()
    cutting.deploy_policy()
    assert not cutting.is_fenced
    cutting.clock.sleep(60)
    cutting.control.bury()
    to_end(ending_of(cutting), cutting)
    assert cutting.is_fenced


def test_a_fence_that_was_lifted_by_hand_behind_a_completed_migration_stays_so() -> None:
    cutting = Cutting()
    cutting_over(cutting).to_end()
    cutting.control.ask_to_complete(KEEP)
    cutting.control.note_complete(cutting.clock())
    cutting.deploy_policy()
    cutting.control.bury()
    to_end(ending_of(cutting), cutting)
    assert not cutting.is_fenced
    assert told_of_fence(cutting) == []


@pytest.mark.parametrize("is_completed", [False, True])
def test_a_stack_goes_although_the_fenced_table_has_gone_before_it(is_completed: bool) -> None:
    cutting = Cutting()
    cutting_over(cutting).to_end()
    if is_completed:
        cutting.control.ask_to_complete(KEEP)
        cutting.control.note_complete(cutting.clock())
    cutting.aws.dynamodb.delete_table(TableName=cutting.source)
    cutting.control.bury()
    to_end(ending_of(cutting), cutting)
    assert told_of_fence(cutting) == [], "a table that is gone is not fenced"
    assert (cutting.aws.functions.mappings, cutting.record.status) == ({}, CLOSED)


def deny_policies(cutting: Cutting) -> None:
    """As after `fence_source_writes` was switched off."""

    def deny(operation: str, request: Any) -> None:
        if "ResourcePolicy" in operation:
            raise client_error(operation, "AccessDeniedException", f"not authorized to perform: dynamodb:{operation}")

    cutting.aws.dynamodb.hooks.append(deny)


@pytest.mark.parametrize("is_completed", [False, True])
def test_a_stack_goes_although_the_policy_may_not_be_read(
    is_completed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    cutting = Cutting()
    cutting_over(cutting).to_end()
    if is_completed:
        cutting.control.ask_to_complete(KEEP)
        cutting.control.note_complete(cutting.clock())
    deny_policies(cutting)
    cutting.control.bury()
    to_end(ending_of(cutting), cutting)
    assert ("stands could not be seen" in capsys.readouterr().out) == (not is_completed)
    assert told_of_fence(cutting) == ["FenceLeft"]
    left = cutting.aws.events.details[-1]["left"]
    assert f"the table {cutting.source} stays fenced" in left
    assert "whether it still does could not be seen" in left
    assert "not authorized" in left


def test_a_source_that_would_stay_fenced_in_mid_cut_over_keeps_its_stack() -> None:
    cutting = Cutting()
    cutting_over(cutting).until("every write to be denied")
    deny_policies(cutting)
    cutting.control.bury()
    with pytest.raises(ClientError, match="AccessDenied"):
        ending_of(cutting).step()


def test_another_failure_to_look_at_the_fence_is_not_taken_for_a_denial() -> None:
    cutting = Cutting()
    cutting_over(cutting).to_end()
    failure = client_error("GetResourcePolicy", "InternalServerError", status=500)
    cutting.aws.dynamodb.fail("GetResourcePolicy", failure, failure)
    (fence,) = ending_of(cutting).fences
    with pytest.raises(ClientError, match="InternalServerError"):
        fence.stand()
    with pytest.raises(ClientError, match="InternalServerError"):
        fence.left()


def test_a_stack_goes_although_the_source_went_in_mid_cut_over() -> None:
    cutting = Cutting()
    cutting_over(cutting).until("every write to be denied")
    cutting.aws.dynamodb.delete_table(TableName=cutting.source)
    cutting.control.bury()
    to_end(ending_of(cutting), cutting)
    assert cutting.record.status == CLOSED


def told_of_fence(cutting: Cutting) -> list[str]:
    """Tell of the fence, and return the phases that the world has heard of since."""
    before = len(cutting.aws.events.phases)
    announcements = Announcements(cutting.aws.events, cutting.aws.sns, "Stack/Orders", "", cutting.clock)
    tell_of_fences(ending_of(cutting).fences, announcements)
    return cutting.aws.events.phases[before:]


def test_a_fence_that_is_left_is_told_with_what_lifts_it(capsys: pytest.CaptureFixture[str]) -> None:
    cutting = Cutting()
    assert told_of_fence(cutting) == []
    cutting_over(cutting).to_end()
    assert told_of_fence(cutting) == ["FenceLeft"]
    left = cutting.aws.events.details[-1]["left"]
    assert cutting.fence["Sid"] in left
    assert "aws dynamodb delete-resource-policy" in left
    assert left in capsys.readouterr().out
    cutting.control.ask_to_complete(LIFT)
    assert told_of_fence(cutting) == []


def test_nobody_who_hears_it_keeps_no_stack_from_going(capsys: pytest.CaptureFixture[str]) -> None:
    cutting = Cutting()
    cutting_over(cutting).to_end()
    cutting.aws.events.refuses = 1
    assert told_of_fence(cutting) == []
    assert "FenceLeft could not be announced: EventBridge refused" in capsys.readouterr().out


def test_an_abort_that_turned_back_is_permitted() -> None:
    cutting = Cutting()
    cutting.gate.reasons = ("closed",)
    cutting_over(cutting).to_end()
    to_end(ending_of(cutting), cutting)
    assert cutting.record.status == CLOSED
