"""What the embedded AWS starts ends with it; nothing can leave the machine; functions run as on Lambda."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.embedded_aws.running import until
from tests.embedded_aws.templates import attribute, function, outputs, reference, role, write_assembly

_SERVICES = (
    *("cloudformation", "cloudwatch", "dynamodb", "dynamodbstreams", "events", "glue", "iam", "kms", "lambda"),
    *("logs", "s3", "sns", "sqs", "ssm", "stepfunctions", "sts"),
)
_SLEEP = "import time\ndef handler(event, context): time.sleep(event['seconds'])"
_SHOW = """
import os, boto3
def handler(event, context):
    return {"endpoint": boto3.client("sqs").meta.endpoint_url, "path": os.environ.get("PYTHONPATH"),
            "home": os.environ["HOME"], "who": boto3.client("sts").get_caller_identity()["Arn"],
            "left": context.get_remaining_time_in_millis(), "request": context.aws_request_id}
"""
_JOB = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
_BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"


def _template(timeout: int = 30) -> dict[str, Any]:
    location = {"Fn::Sub": f"s3://{_BUCKET}/job.py"}
    command = {"Name": "glueetl", "ScriptLocation": location}
    return {
        "Resources": {
            "Role": role("lambda.amazonaws.com"),
            "JobRole": role("glue.amazonaws.com", (["s3:GetObject"], "*")),
            "Sleep": function("Role", _SLEEP, Timeout=timeout),
            "Show": function("Role", _SHOW, {"MINE": "yes"}),
            "Job": {"Type": "AWS::Glue::Job", "Properties": {"Role": attribute("JobRole"), "Command": command}},
        },
        "Outputs": outputs(Sleep=reference("Sleep"), Show=reference("Show"), Job=reference("Job")),
    }


def _deployed(aws: EmbeddedAws, folder: Path, stack_name: str, timeout: int = 30) -> dict[str, str]:
    return deploy(aws, write_assembly(folder, stack_name, _template(timeout), {"job.py": _JOB}), stack_name)


def _session(leader: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def _busy(aws: EmbeddedAws, folder: Path) -> int:
    """Start a function and a job run; return the id of the session in which everything runs."""
    deployed = _deployed(aws, folder, "Busy")
    functions = aws.client("lambda")
    functions.invoke(FunctionName=deployed["Show"])
    functions.invoke(FunctionName=deployed["Sleep"], InvocationType="Event", Payload=json.dumps({"seconds": 60}))
    run = aws.client("glue").start_job_run(JobName=deployed["Job"])["JobRunId"]
    until(lambda: (aws.work_dir / "glue" / run / "run.log").exists())
    (leader,) = [p for p in psutil.Process().children() if "embedded_aws" in " ".join(p.cmdline())][-1:]
    until(lambda: len(_session(leader.pid)) >= 4)
    return leader.pid


def test_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with EmbeddedAws(tmp_path / "work") as aws:
        leader = _busy(aws, tmp_path / "assembly")
        listening = {c.laddr for p in _session(leader) for c in p.net_connections() if c.status == "LISTEN"}
        assert {address.ip for address in listening} == {"127.0.0.1"}
    assert _session(leader) == []
    assert list(home.iterdir()) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(aws.url.rsplit(":", 1)[1]))) != 0


_PARENT = """
import signal, sys, time
from pathlib import Path
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
# A shell that starts something in the background lets it ignore interrupts, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
with EmbeddedAws(Path(sys.argv[1])) as aws:
    print(aws._child.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_an_interrupted_parent_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "work")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as parent:
        assert parent.stdout is not None
        leader = int(parent.stdout.readline())
        assert _session(leader)
        parent.send_signal(number)
        parent.wait(40)
    until(lambda: not _session(leader), 20)


def test_every_client_stays_on_this_machine(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "https://sqs.us-east-1.amazonaws.com")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    script = (
        "import boto3, json, sys\n"
        "print(json.dumps([boto3.client(name).meta.endpoint_url for name in sys.argv[1:]]))\n"
        "print(boto3.client('sts').get_caller_identity()['Arn'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *_SERVICES], env=aws.environment(), capture_output=True, check=True, text=True
    )
    endpoints, identity = done.stdout.splitlines()
    assert set(json.loads(endpoints)) == {aws.url}
    assert identity == "arn:aws:iam::123456789012:root"


def test_a_function_runs_as_on_lambda(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    deployed = _deployed(aws, assembly, stack_name)
    answer = aws.client("lambda").invoke(FunctionName=deployed["Show"])
    shown = json.loads(answer["Payload"].read())
    assert shown["endpoint"] == aws.url
    assert shown["path"] is None
    assert shown["home"].startswith(str(aws.work_dir))
    assert f"assumed-role/{stack_name}-Role-" in shown["who"]
    assert 0 < shown["left"] <= 30_000
    assert shown["request"]


def test_a_time_out_ends_the_function(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    deployed = _deployed(aws, assembly, stack_name, timeout=1)
    began = time.monotonic()
    answer = aws.client("lambda").invoke(FunctionName=deployed["Sleep"], Payload=json.dumps({"seconds": 30}))
    assert answer["FunctionError"]
    assert json.loads(answer["Payload"].read())["errorType"] == "Sandbox.Timedout"
    assert time.monotonic() - began < 6
