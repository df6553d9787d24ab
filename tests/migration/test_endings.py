"""Migrations that may fence their source: given up in several states, cut over, and removed with their stack."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from ddb_migration import names
from ddb_migration.core.fence import WRITES
from ddb_migration_construct.cli.control_table import FENCED, ControlRecord
from ddb_migration_construct.cli.switching import Order, Switches
from ddb_migration_construct.cli.ways import THERE
from ddb_migration_construct.rehearsal.deployment import deploy, destroy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from ddb_migration_construct.rehearsal.phase_events import PhaseEvents
from tests.migration.apps import STACK, synthesise
from tests.migration.test_kills import processes
from tests.migration.trial import AT_MOST_SECONDS, READY, Trial

pytestmark = pytest.mark.slow

THEIRS = {
    "Sid": "Theirs",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "dynamodb:GetItem",
    "Resource": "*",
}


def fenceable(aws: EmbeddedAws, assembly: Path) -> Trial:
    return Trial(aws, deploy(aws, synthesise(assembly, keep_tables=True, fence_source_writes=True), STACK))


def source_arn(trial: Trial) -> str:
    return str(trial.dynamodb.describe_table(TableName=trial.source)["Table"]["TableArn"])


def policy(trial: Trial) -> Any:
    try:
        found = trial.dynamodb.get_resource_policy(ResourceArn=source_arn(trial))
    except trial.dynamodb.exceptions.PolicyNotFoundException:
        return None
    return json.loads(found["Policy"])


def put(trial: Trial, key: str) -> bool:
    """Write to the source as its owner; False where that is denied."""
    try:
        trial.dynamodb.put_item(TableName=trial.source, Item={"pk": {"S": key}})
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False
    return True


def order(trial: Trial) -> ControlRecord:
    """Cut over as the command does; raises CommandFailed when the migration turns back."""
    following = Switches(trial.stepfunctions, trial.dynamodb, THERE, Order(FENCED)).order([trial.migration])
    return following.result(trial.migration)


def left_of(aws: EmbeddedAws, trial: Trial) -> list[str]:
    """Return what a migration has left of all that it makes at run time."""
    mappings = aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    locks = aws.client("ssm").get_parameters_by_path(Path="/ddb-migration", Recursive=True)["Parameters"]
    runs = [
        run
        for job in aws.client("glue").get_jobs()["Jobs"]
        for run in aws.client("glue").get_job_runs(JobName=job["Name"])["JobRuns"]
        if run["JobRunState"] in ("STARTING", "RUNNING", "STOPPING", "WAITING")
    ]
    running = trial.stepfunctions.list_executions(
        stateMachineArn=trial.migration.state_machine_arn, statusFilter="RUNNING"
    )["executions"]
    return [str(one) for found in (mappings, locks, runs, running) for one in found]


@pytest.mark.parametrize("state", ["DirectMigrationJob", "Drain", names.READY_TO_CUT_OVER_STATE])
def test_an_abort_leaves_nothing_and_the_sources_policy_as_it_was(aws: EmbeddedAws, assembly: Path, state: str) -> None:
    trial = fenceable(aws, assembly)
    trial.dynamodb.put_resource_policy(
        ResourceArn=source_arn(trial), Policy=json.dumps({"Version": "2012-10-17", "Statement": [THEIRS]})
    )
    before = policy(trial)
    trial.fill(500)
    with trial.writers():
        execution = trial.start()
        if state == names.READY_TO_CUT_OVER_STATE:
            assert trial.finish(execution)["status"] == READY
        else:
            trial.until(execution, state)
        trial.abort()
        assert put(trial, "still writable")
    found = trial.status(execution)
    assert found["status"] == "ABORTED", found
    assert left_of(aws, trial) == []
    assert policy(trial) == before
    destroy(aws, STACK)
    assert aws.client("lambda").list_functions()["Functions"] == []
    assert policy(trial) == before


def test_a_stack_removed_after_the_cut_over_keeps_the_fence_and_tells_what_lifts_it(
    aws: EmbeddedAws, assembly: Path
) -> None:
    trial = fenceable(aws, assembly)
    trial.fill(100)
    trial.run()
    order(trial)
    PhaseEvents(aws)
    destroy(aws, STACK)
    assert aws.client("lambda").list_functions()["Functions"] == []
    assert not put(trial, "behind the fence")
    (fence,) = policy(trial)["Statement"]
    assert (fence["Effect"], sorted(fence["Action"])) == ("Deny", sorted(WRITES))
    told = details(aws)
    (left,) = [detail["left"] for detail in told if detail["phase"] == names.FENCE_LEFT_PHASE]
    assert fence["Sid"] in left
    (arn,) = re.findall(r"aws dynamodb delete-resource-policy --resource-arn (\S+)", left)
    trial.dynamodb.delete_resource_policy(ResourceArn=arn)
    assert put(trial, "lifted")


def details(aws: EmbeddedAws) -> list[dict[str, Any]]:
    """Return the events that were put since PhaseEvents was made."""
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName="rehearsal-phases")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2).get("Messages", [])
    return [json.loads(message["Body"])["detail"] for message in messages]


@contextmanager
def capture_held_back(trial: Trial) -> Iterator[None]:
    """Let StreamProcessor stand still, whose mapping stays Enabled: what the shard holds does not reach the queue."""
    functions = trial.aws.client("lambda").list_functions()["Functions"]
    (name,) = [found["FunctionName"] for found in functions if "StreamProcessor" in found["FunctionName"]]
    held: list[psutil.Process] = []
    ended = threading.Event()

    def hold() -> None:
        while not ended.is_set():
            for worker in processes(lambda one: one.environ().get("AWS_LAMBDA_FUNCTION_NAME") == name):
                if worker not in held:
                    worker.suspend()
                    held.append(worker)
            time.sleep(0.02)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for worker in held:
            if worker.is_running():
                worker.resume()


def test_a_last_write_that_capture_holds_back_is_found_by_the_tail_and_not_lost(
    aws: EmbeddedAws, assembly: Path
) -> None:
    trial = fenceable(aws, assembly)
    trial.fill(50)
    trial.run()
    trial.settle()
    ordered: list[ControlRecord] = []
    with capture_held_back(trial):
        assert put(trial, "held back")
        leading = threading.Thread(target=lambda: ordered.append(order(trial)), daemon=True)
        leading.start()
        last, limit = 0, time.monotonic() + AT_MOST_SECONDS
        while put(trial, f"last {last}"):
            last += 1
            assert time.monotonic() < limit, "the fence did not come"
        waits_for(trial, "at the end of the stream to be applied")
        assert not ordered
        assert f"last {last - 1}" not in trial.items(trial.destination)
    leading.join(AT_MOST_SECONDS)
    assert ordered, "it has not cut over"
    assert f"last {last - 1}" in trial.items(trial.destination)
    assert trial.items(trial.source) == trial.items(trial.destination)


def waits_for(trial: Trial, what: str) -> None:
    """Wait until the newest execution says that it waits for this."""
    limit = time.monotonic() + AT_MOST_SECONDS
    while what not in newest_answer(trial):
        assert time.monotonic() < limit, newest_answer(trial)
        time.sleep(0.1)


def newest_answer(trial: Trial) -> str:
    (newest,) = trial.stepfunctions.list_executions(stateMachineArn=trial.migration.state_machine_arn)["executions"]
    events = trial.stepfunctions.get_execution_history(
        executionArn=newest["executionArn"], reverseOrder=True, maxResults=50
    )["events"]
    found = (event["stateExitedEventDetails"]["output"] for event in events if "stateExitedEventDetails" in event)
    return next((output for output in found if "waiting_for" in output), "")
