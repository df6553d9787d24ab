"""Glue runs are processes on this machine that behave as runs on AWS do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.embedded_aws.running import until
from tests.embedded_aws.templates import attribute, outputs, reference, role, table, write_assembly

_BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
_ARGUMENTS = """
import sys
from awsglue.utils import getResolvedOptions
print(getResolvedOptions(sys.argv, ["JOB_NAME", "one", "two"]))
raise SystemExit("ends with a message")
"""
_SLEEP = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
_SPARK = """
import sys
import boto3
from awsglue.utils import getResolvedOptions
from pyspark.sql import SparkSession

def move(numbers):
    import helper
    dynamodb = boto3.client("dynamodb")
    for number in numbers:
        dynamodb.put_item(TableName=options["table"], Item={"pk": {"S": helper.name(number)}})
        yield 1

options = getResolvedOptions(sys.argv, ["JOB_NAME", "table"])
spark = SparkSession.builder.getOrCreate()
assert spark.version == "3.5.6"
assert spark.sparkContext.parallelize(range(20), 4).mapPartitions(move).sum() == 20
"""


def _asset(key: str) -> dict[str, Any]:
    return {"Fn::Sub": f"s3://{_BUCKET}/{key}"}


def _job(script: str, **properties: Any) -> dict[str, Any]:
    command = {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": _asset(script)}
    return {"Type": "AWS::Glue::Job", "Properties": {"Role": attribute("Role"), "Command": command, **properties}}


def _deployed(
    aws: EmbeddedAws, assembly: Path, stack_name: str, script: str, files: dict[str, str], **job: Any
) -> dict[str, str]:
    permissions = ((["s3:GetObject"], "*"), (["dynamodb:PutItem"], attribute("Table")))
    template = {
        "Resources": {
            "Table": table(),
            "Role": role("glue.amazonaws.com", *permissions),
            "Job": _job(script, **job),
        },
        "Outputs": outputs(Job=reference("Job"), Table=reference("Table")),
    }
    return deploy(aws, write_assembly(assembly, stack_name, template, files), stack_name)


def _ended(aws: EmbeddedAws, job: str, run: str) -> dict[str, Any] | None:
    described: dict[str, Any] = aws.client("glue").get_job_run(JobName=job, RunId=run)["JobRun"]
    return described if described["JobRunState"] not in ("STARTING", "RUNNING", "STOPPING") else None


def test_arguments_and_the_end_of_the_log(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    defaults = {"--one": "default", "--two": "default"}
    deployed = _deployed(aws, assembly, stack_name, "args.py", {"args.py": _ARGUMENTS}, DefaultArguments=defaults)
    glue = aws.client("glue")
    run = glue.start_job_run(JobName=deployed["Job"], Arguments={"--two": "given"})["JobRunId"]
    ended = until(lambda: _ended(aws, deployed["Job"], run))
    assert ended["JobRunState"] == "FAILED"
    assert "'one': 'default', 'two': 'given'" in ended["ErrorMessage"]
    assert ended["ErrorMessage"].endswith("ends with a message\n")
    assert "CompletedOn" in ended


def test_concurrent_runs_and_stopping(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    deployed = _deployed(aws, assembly, stack_name, "sleep.py", {"sleep.py": _SLEEP})
    glue = aws.client("glue")
    run = glue.start_job_run(JobName=deployed["Job"])["JobRunId"]
    with pytest.raises(ClientError, match="ConcurrentRunsExceededException"):
        glue.start_job_run(JobName=deployed["Job"])
    state = glue.get_job_run
    until(lambda: state(JobName=deployed["Job"], RunId=run)["JobRun"]["JobRunState"] == "RUNNING")
    stopped = glue.batch_stop_job_run(JobName=deployed["Job"], JobRunIds=[run, "jr_none"])
    assert [entry["JobRunId"] for entry in stopped["SuccessfulSubmissions"]] == [run]
    assert stopped["Errors"][0]["ErrorDetail"]["ErrorCode"] == "EntityNotFoundException"
    assert until(lambda: _ended(aws, deployed["Job"], run))["JobRunState"] == "STOPPED"
    assert glue.start_job_run(JobName=deployed["Job"])["JobRunId"] != run
    newest, oldest = glue.get_job_runs(JobName=deployed["Job"])["JobRuns"]
    assert (oldest["Id"], newest["JobRunState"]) == (run, newest["JobRunState"])
    glue.batch_stop_job_run(JobName=deployed["Job"], JobRunIds=[newest["Id"]])


@pytest.mark.slow
def test_a_spark_job_with_libraries(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    helper = "def name(number):\n    return f'n{number}'\n"
    arguments = {"--table": reference("Table"), "--extra-py-files": _asset("helper.py")}
    deployed = _deployed(
        aws,
        assembly,
        stack_name,
        "spark.py",
        {"spark.py": _SPARK, "helper.py": helper},
        DefaultArguments=arguments,
    )
    run = aws.client("glue").start_job_run(JobName=deployed["Job"])["JobRunId"]
    ended = until(lambda: _ended(aws, deployed["Job"], run), 60)
    assert ended["JobRunState"] == "SUCCEEDED", ended["ErrorMessage"]
    assert aws.client("dynamodb").scan(TableName=deployed["Table"], Select="COUNT")["Count"] == 20
