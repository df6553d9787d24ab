"""Executions behave as on AWS; most tests are the canary of a correction in ``interpreter``."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.embedded_aws.running import run, until
from tests.embedded_aws.templates import (
    attribute,
    fifo_queue,
    function,
    outputs,
    reference,
    role,
    state_machine,
    table,
    write_assembly,
)

_ALL = ["lambda:*", "glue:*", "dynamodb:*", "sqs:*"]
_FAILING = "class Odd(Exception): pass\ndef handler(event, context): raise Odd('no')"
_SLOW = "import time\ndef handler(event, context):\n    time.sleep(6)\n    raise ValueError('late')"
_SLEEPING_JOB = "import time\ntime.sleep(120)\n"
_FAILING_JOB = "raise SystemExit('the job said why')\n"
_BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"


def _job(script: str) -> dict[str, Any]:
    location = {"Fn::Sub": f"s3://{_BUCKET}/{script}"}
    return {
        "Type": "AWS::Glue::Job",
        "Properties": {
            "Role": attribute("JobRole"),
            "Command": {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": location},
        },
    }


@pytest.fixture(scope="module")
def deployed(aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    succeed = {"Done": {"Type": "Succeed"}}
    template = {
        "Resources": {
            "Role": role("states.amazonaws.com", (_ALL, "*")),
            "JobRole": role("glue.amazonaws.com", (["s3:GetObject"], "*")),
            "FunctionRole": role("lambda.amazonaws.com", (["sqs:*"], "*")),
            "Failing": function("FunctionRole", _FAILING),
            "Slow": function("FunctionRole", _SLOW, Timeout=20),
            "Queue": fifo_queue(),
            "Table": table(),
            "Sleeping": _job("sleeping.py"),
            "Breaking": _job("breaking.py"),
            "Tagged": state_machine("Role", "Done", succeed, Tags=[{"Key": "ddb-migration:name", "Value": "a/b"}]),
        },
        "Outputs": outputs(
            Role=attribute("Role"),
            Failing=reference("Failing"),
            Slow=reference("Slow"),
            Queue=attribute("Queue"),
            QueueUrl=reference("Queue"),
            Table=reference("Table"),
            Sleeping=reference("Sleeping"),
            Breaking=reference("Breaking"),
            Tagged=reference("Tagged"),
        ),
    }
    files = {"sleeping.py": _SLEEPING_JOB, "breaking.py": _FAILING_JOB}
    folder = tmp_path_factory.mktemp("states")
    return deploy(aws, write_assembly(folder, "States", template, files), "States")


class Machines:
    """Makes state machines of one or more states and runs them."""

    def __init__(self, aws: EmbeddedAws, role_arn: str) -> None:
        self.aws = aws
        self.states = aws.client("stepfunctions")
        self._role_arn = role_arn
        self._count = 0

    def make(self, states: dict[str, Any], **rest: Any) -> str:
        self._count += 1
        definition = json.dumps({"StartAt": next(iter(states)), "States": states, **rest})
        made = self.states.create_state_machine(
            name=f"m{self._count}-{time.monotonic_ns()}", definition=definition, roleArn=self._role_arn
        )
        return str(made["stateMachineArn"])

    def run(self, states: dict[str, Any], given: dict[str, Any] | None = None) -> dict[str, Any]:
        return run(self.aws, self.make(states), given or {})

    def task(self, resource: str, parameters: dict[str, Any], **rest: Any) -> dict[str, Any]:
        task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters}
        return self.run({"A": {**task, **({"End": True} if "Next" not in rest else {}), **rest}})


@pytest.fixture
def machines(aws: EmbeddedAws, deployed: dict[str, str]) -> Machines:
    return Machines(aws, deployed["Role"])


def test_a_missing_path_in_parameters_fails(machines: Machines, deployed: dict[str, str]) -> None:
    ended = machines.task("lambda:invoke", {"FunctionName": deployed["Failing"], "Payload": {"x.$": "$.none"}})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")


@pytest.mark.parametrize("rule", [{"NumericGreaterThan": 5}, {"IsNull": True}])
def test_a_choice_on_a_missing_path_fails(machines: Machines, rule: dict[str, Any]) -> None:
    choices = [{"Variable": "$.none", **rule, "Next": "B"}]
    ended = machines.run({"A": {"Type": "Choice", "Choices": choices, "Default": "B"}, "B": {"Type": "Succeed"}})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")


def test_a_choice_may_ask_whether_a_path_is_there(machines: Machines) -> None:
    rules = [{"Variable": "$.none", "IsPresent": True}, {"Variable": "$.none", "NumericGreaterThan": 5}]
    choices = [{"And": rules, "Next": "C"}]
    states = {"A": {"Type": "Choice", "Choices": choices, "Default": "B"}}
    ended = machines.run({**states, "B": {"Type": "Succeed"}, "C": {"Type": "Fail", "Error": "E"}})
    assert ended["status"] == "SUCCEEDED"


def test_waits_and_retries_are_scaled_once(machines: Machines, deployed: dict[str, str]) -> None:
    began = time.monotonic()
    retry = [{"ErrorEquals": ["Odd"], "IntervalSeconds": 30, "BackoffRate": 1, "MaxAttempts": 2}]
    invoke = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": deployed["Failing"]},
        "Retry": retry,
        "End": True,
    }
    ended = machines.run({"A": {"Type": "Wait", "Seconds": 50, "Next": "B"}, "B": invoke})
    took = time.monotonic() - began
    assert ended["error"] == "Odd"
    assert 50 * 0.01 + 2 * 30 * 0.01 < took < 8


def test_dates_are_text(machines: Machines, deployed: dict[str, str]) -> None:
    passed = machines.run({"A": {"Type": "Pass", "Parameters": {"t.$": "$$.Execution.StartTime"}, "End": True}})
    assert json.loads(passed["output"])["t"].endswith("Z")
    described = machines.task("aws-sdk:dynamodb:describeTable", {"TableName": deployed["Table"]})
    assert json.loads(described["output"])["Table"]["CreationDateTime"].endswith("Z")


def test_sdk_integrations_use_the_case_of_step_functions(machines: Machines, deployed: dict[str, str]) -> None:
    made = machines.task(
        "aws-sdk:lambda:createEventSourceMapping",
        {"FunctionName": deployed["Failing"], "EventSourceArn": deployed["Queue"], "Enabled": False},
    )
    identifier = json.loads(made["output"])["Uuid"]
    updated = machines.task("aws-sdk:lambda:updateEventSourceMapping", {"Uuid": identifier, "BatchSize": 7})
    assert json.loads(updated["output"])["BatchSize"] == 7


def _live_runs(aws: EmbeddedAws, job: str) -> list[str]:
    runs = aws.client("glue").get_job_runs(JobName=job)["JobRuns"]
    return [entry["JobRunState"] for entry in runs]


def _glue(job: str, **rest: Any) -> dict[str, Any]:
    resource = "arn:aws:states:::glue:startJobRun.sync"
    return {"Type": "Task", "Resource": resource, "Parameters": {"JobName": job}, "End": True, **rest}


def test_stopping_an_execution_stops_its_job_run(machines: Machines, deployed: dict[str, str]) -> None:
    arn = machines.make({"A": _glue(deployed["Sleeping"])})
    execution = machines.states.start_execution(stateMachineArn=arn)["executionArn"]
    until(lambda: "RUNNING" in _live_runs(machines.aws, deployed["Sleeping"]))
    machines.states.stop_execution(executionArn=execution, error="Aborted", cause="test")
    described = machines.states.describe_execution(executionArn=execution)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Aborted", "test")
    until(lambda: set(_live_runs(machines.aws, deployed["Sleeping"])) == {"STOPPED"})


@pytest.mark.slow
def test_a_time_out_stops_the_job_run(machines: Machines, deployed: dict[str, str]) -> None:
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "B"}]
    task = {**_glue(deployed["Sleeping"], TimeoutSeconds=2), "Catch": catch}
    ended = machines.run({"A": task, "B": {"Type": "Succeed"}})
    assert ended["status"] == "SUCCEEDED"
    until(lambda: set(_live_runs(machines.aws, deployed["Sleeping"])) == {"STOPPED"})


def test_a_failed_job_run_can_be_caught(machines: Machines, deployed: dict[str, str]) -> None:
    catch = [{"ErrorEquals": ["States.TaskFailed"], "Next": "B", "ResultPath": "$.e"}]
    ended = machines.run({"A": {**_glue(deployed["Breaking"]), "Catch": catch}, "B": {"Type": "Succeed"}})
    assert "the job said why" in json.loads(ended["output"])["e"]["Cause"]


def test_names_of_executions(machines: Machines) -> None:
    arn = machines.make({"A": {"Type": "Wait", "Seconds": 100, "Next": "B"}, "B": {"Type": "Succeed"}})
    start = machines.states.start_execution
    first = start(stateMachineArn=arn, name="one", input="{}")["executionArn"]
    assert start(stateMachineArn=arn, name="one", input="{}")["executionArn"] == first
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start(stateMachineArn=arn, name="one", input='{"other": 1}')
    assert start(stateMachineArn=arn)["executionArn"] != first
    listed = machines.states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
    assert len(listed) == 2
    assert listed[1]["executionArn"] == first


def test_history_in_both_orders(machines: Machines) -> None:
    arn = run(machines.aws, machines.make({"A": {"Type": "Pass", "End": True}}), {})["executionArn"]
    history = machines.states.get_execution_history
    assert history(executionArn=arn)["events"][0]["type"] == "ExecutionStarted"
    newest = history(executionArn=arn, reverseOrder=True, maxResults=1)
    assert newest["events"][0]["type"] == "ExecutionSucceeded"
    assert history(executionArn=arn, reverseOrder=True, maxResults=1, nextToken=newest["nextToken"])["events"]


def test_a_task_token(machines: Machines, deployed: dict[str, str]) -> None:
    body = {"QueueUrl": deployed["QueueUrl"], "MessageBody.$": "$$.Task.Token", "MessageGroupId": "g"}
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
    arn = machines.make({"A": {**task, "Parameters": {**body, "MessageDeduplicationId.$": "$$.Execution.Name"}}})
    execution = machines.states.start_execution(stateMachineArn=arn)["executionArn"]
    sqs = machines.aws.client("sqs")
    (message,) = until(lambda: sqs.receive_message(QueueUrl=deployed["QueueUrl"]).get("Messages"))
    machines.states.send_task_success(taskToken=message["Body"], output='{"ok": true}')
    ended = until(lambda: _ended(machines, execution))
    assert json.loads(ended["output"]) == {"ok": True}


def _ended(machines: Machines, execution: str) -> dict[str, Any] | None:
    described: dict[str, Any] = machines.states.describe_execution(executionArn=execution)
    return described if described["status"] != "RUNNING" else None


def test_stopping_an_execution_that_waits_for_its_token(machines: Machines, deployed: dict[str, str]) -> None:
    body = {"QueueUrl": deployed["QueueUrl"], "MessageBody.$": "$$.Task.Token", "MessageGroupId": "s"}
    task = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
    arn = machines.make({"A": {**task, "Parameters": {**body, "MessageDeduplicationId.$": "$$.Execution.Name"}}})
    execution = machines.states.start_execution(stateMachineArn=arn)["executionArn"]
    sqs = machines.aws.client("sqs")
    until(lambda: sqs.receive_message(QueueUrl=deployed["QueueUrl"]).get("Messages"))
    began = time.monotonic()
    machines.states.stop_execution(executionArn=execution, error="Aborted", cause="given up")
    assert machines.states.describe_execution(executionArn=execution)["status"] == "ABORTED"
    # A function's client gives up after four seconds.
    assert time.monotonic() - began < 4


def test_stopping_an_execution_does_not_wait_for_its_invocation(machines: Machines, deployed: dict[str, str]) -> None:
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    arn = machines.make({"A": {**task, "Parameters": {"FunctionName": deployed["Slow"]}}})
    execution = machines.states.start_execution(stateMachineArn=arn)["executionArn"]
    until(lambda: "TaskStarted" in _history(machines, execution))
    began = time.monotonic()
    machines.states.stop_execution(executionArn=execution, error="Aborted", cause="given up")
    assert machines.states.describe_execution(executionArn=execution)["status"] == "ABORTED"
    assert time.monotonic() - began < 4
    # The function fails in the end, and the execution stays what it is.
    until(lambda: "ExecutionAborted" in _history(machines, execution))
    assert machines.states.describe_execution(executionArn=execution)["status"] == "ABORTED"


def _history(machines: Machines, execution: str) -> list[str]:
    return [event["type"] for event in machines.states.get_execution_history(executionArn=execution)["events"]]


def test_an_updated_definition_is_what_runs(machines: Machines) -> None:
    arn = machines.make({"A": {"Type": "Succeed"}})
    assert run(machines.aws, arn, {})["status"] == "SUCCEEDED"
    failing = {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "New"}}}
    machines.states.update_state_machine(stateMachineArn=arn, definition=json.dumps(failing))
    assert run(machines.aws, arn, {})["error"] == "New"
    machines.states.delete_state_machine(stateMachineArn=arn)
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        machines.states.start_execution(stateMachineArn=arn)


@pytest.mark.slow
def test_a_state_machine_time_out(machines: Machines) -> None:
    states = {"A": {"Type": "Wait", "Seconds": 500, "Next": "B"}, "B": {"Type": "Succeed"}}
    assert run(machines.aws, machines.make(states, TimeoutSeconds=1), {})["status"] == "TIMED_OUT"


def test_tags_of_a_state_machine_outlive_an_update(aws: EmbeddedAws, deployed: dict[str, str], assembly: Path) -> None:
    states = aws.client("stepfunctions")
    tag = {"key": "ddb-migration:name", "value": "a/b"}
    assert tag in states.list_tags_for_resource(resourceArn=deployed["Tagged"])["tags"]
    assert run(aws, deployed["Tagged"], {})["status"] == "SUCCEEDED"
    template = {
        "Resources": {
            "Role": role("states.amazonaws.com"),
            "Machine": state_machine("Role", "A", {"A": {"Type": "Succeed"}}, Tags=[{"Key": "k", "Value": "v"}]),
        },
        "Outputs": outputs(Machine=reference("Machine")),
    }
    arn = deploy(aws, write_assembly(assembly, "Tagging", template), "Tagging")["Machine"]
    template["Resources"]["Machine"]["Properties"]["Definition"] = {
        "StartAt": "B",
        "States": {"B": {"Type": "Fail", "Error": "Second"}},
    }
    assert deploy(aws, write_assembly(assembly, "Tagging", template), "Tagging")["Machine"] == arn
    assert {"key": "k", "value": "v"} in states.list_tags_for_resource(resourceArn=arn)["tags"]
    assert run(aws, arn, {})["error"] == "Second"
