"""Executions, runs, exports, and what the construct tells a function."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ddb_migration import names
from ddb_migration.aws.destination_lock import Holder
from ddb_migration.aws.environment import Environment, Settings
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.exports import Exports
from ddb_migration.aws.jobs import LIVE_STATES, Jobs
from ddb_migration.aws.tables import Tables
from tests.aws.conftest import Client
from tests.fakes.aws import FakeAws
from tests.fakes.making import create_table
from tests.fakes.services import FakeStates

_WAITING = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 100_000, "End": True}}}


def start_execution(client: Client, name: str) -> str:
    """An execution that waits; returns its ARN."""
    if isinstance(client("stepfunctions"), FakeStates):
        client("stepfunctions").status["arn:execution"] = "RUNNING"
        return "arn:execution"
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = client("iam").create_role(
        RoleName=f"{name}-states",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    machine = client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(_WAITING), roleArn=role["Role"]["Arn"]
    )
    started = client("stepfunctions").start_execution(stateMachineArn=machine["stateMachineArn"], input="{}")
    return str(started["executionArn"])


def test_an_execution_runs_until_it_is_stopped(client: Client, name: str) -> None:
    executions = Executions(client("stepfunctions"))
    arn = start_execution(client, name)
    assert executions.is_running(arn)
    executions.stop(arn, "given up")
    assert not executions.is_running(arn)
    executions.stop(arn, "given up again")
    assert client("stepfunctions").describe_execution(executionArn=arn)["status"] == "ABORTED"


def test_an_execution_that_nobody_knows_has_ended(client: Client) -> None:
    unknown = "arn:aws:states:us-east-1:123456789012:execution:none:none"
    assert not Executions(client("stepfunctions")).is_running(unknown)


@pytest.mark.parametrize("state", ["STARTING", "RUNNING", "STOPPING", "WAITING"])
def test_a_run_that_may_still_write_is_live(fake: FakeAws, state: str) -> None:
    fake.glue.start_job_run(JobName="direct")
    fake.glue.runs["direct"][0]["JobRunState"] = state
    assert Jobs(fake.glue, ["direct", "large"]).live_runs() == [("direct", "run-0")]
    assert state in LIVE_STATES


@pytest.mark.parametrize("state", ["STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT", "ERROR", "EXPIRED"])
def test_a_run_that_has_ended_is_not(fake: FakeAws, state: str) -> None:
    fake.glue.start_job_run(JobName="direct")
    fake.glue.runs["direct"][0]["JobRunState"] = state
    assert Jobs(fake.glue, ["direct", "large"]).live_runs() == []


def test_every_live_run_of_both_jobs_is_stopped(fake: FakeAws) -> None:
    for job in ("direct", "direct", "large", "other"):
        fake.glue.start_job_run(JobName=job)
    jobs = Jobs(fake.glue, ["direct", "large"])
    jobs.stop()
    assert {run["JobRunState"] for job in ("direct", "large") for run in fake.glue.runs[job]} == {"STOPPING"}
    assert fake.glue.runs["other"][0]["JobRunState"] == "RUNNING"
    assert len(jobs.live_runs()) == 3


def test_an_export_asked_for_again_is_the_same_export(client: Client, name: str) -> None:
    arn = create_table(client("dynamodb"), name, ("pk", "S"))
    client("s3").create_bucket(Bucket=name)
    tables = Tables(client("dynamodb"))
    tables.enable_recovery(arn)
    exports, moment = Exports(client("dynamodb"), arn, name), tables.latest_restorable(arn) or 0.0
    first = exports.start("e1", moment)
    assert exports.start("e1", moment) == first
    assert exports.start("e2", moment) != first
    assert exports.describe(first)["ExportStatus"] in ("IN_PROGRESS", "COMPLETED")
    assert exports.describe(first)["S3Prefix"] == "export/e1"


def test_an_export_is_encrypted_with_the_migrations_key(client: Client, name: str) -> None:
    arn, key = create_table(client("dynamodb"), name, ("pk", "S")), "arn:aws:kms:eu-west-1:111122223333:key/k"
    client("s3").create_bucket(Bucket=name)
    tables = Tables(client("dynamodb"))
    tables.enable_recovery(arn)
    moment = tables.latest_restorable(arn) or 0.0
    described = []
    for given in (key, None):
        exports = Exports(client("dynamodb"), arn, name, given)
        found = exports.describe(exports.start(f"e-{given is None}", moment))
        described.append((found.get("S3SseAlgorithm"), found.get("S3SseKmsKeyId")))
    assert described == [("KMS", key), (None, None)]


SETTINGS: dict[str, Any] = {
    "size_threshold_bytes": 5,
    "enable_source_features": False,
    "accepted_findings": ["stream-readers"],
    "worker_type": "G.1X",
    "max_workers": 4,
    "max_apply_concurrency": 100,
}


def test_settings_are_what_the_construct_wrote() -> None:
    settings = Settings.from_text(json.dumps(SETTINGS))
    assert settings == Settings(5, False, ("stream-readers",), "G.1X", 4, 100, None)
    assert Settings.from_text(json.dumps({**SETTINGS, "max_read_units_per_second": 9})).max_read_units_per_second == 9


def test_the_environment_names_the_holder_and_misses_nothing_in_silence() -> None:
    environment = Environment(
        {
            names.MIGRATION_NAME: "Stack/Orders",
            names.CONTROL_TABLE: "control",
            names.CHANGE_QUEUE_URL: "url",
            names.STREAM_PROCESSOR: "processor",
        }
    )
    assert environment.holder == Holder("Stack/Orders", "control", "url", "processor")
    with pytest.raises(KeyError, match="SETTINGS"):
        environment.settings  # noqa: B018
