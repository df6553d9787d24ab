"""Ten wrong set-ups give ten clear messages, and one with four of them shows all four at once."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.cli.migrations import find_migration
from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.migration.wrong_set_ups import FAR, NOWHERE, STACK, synthesise

AT_MOST_SECONDS = 240.0
# For each migration the codes of its findings, and words that its message must hold.
WRONG: dict[str, tuple[list[str], list[str]]] = {
    "NoStream": (["source-stream-off"], ["has no stream", "aws dynamodb update-table", "StreamViewType=NEW_IMAGE"]),
    "WrongView": (["source-stream-view"], ["is OLD_IMAGE, which holds no new image", "StreamEnabled=false"]),
    "NoRecovery": (["source-recovery-off"], ["point-in-time recovery", "aws dynamodb update-continuous-backups"]),
    "NoDestination": (["destination-missing"], [f"{NOWHERE} does not exist", "aws dynamodb create-table"]),
    "NotEmpty": (["destination-not-empty"], ["holds items", "aws dynamodb scan"]),
    "KeyName": (["key-schema"], ["the partition key is pk of type S in the source and PK of type S"]),
    "KeyType": (["key-schema"], ["the partition key is pk of type S in the source and pk of type N"]),
    "NoIndex": (
        ["index"],
        ["the source has the index by-city", "does not have it", "--global-secondary-index-updates"],
    ),
    "OtherRegion": (["source-elsewhere"], [f"{FAR} is in account 123456789012, Region eu-west-1"]),
    "ThirdReader": (["stream-readers"], ["with capture that makes 3 readers, and a shard serves 2"]),
    "Four": (
        ["source-stream-off", "source-recovery-off", "destination-not-empty", "index"],
        ["update-table", "update-continuous-backups", "scan"],
    ),
}


@pytest.mark.slow
def test_every_wrong_set_up_is_told_and_nothing_is_made(aws: EmbeddedAws, assembly: Path) -> None:
    outputs = deploy(aws, synthesise(assembly), STACK)
    dynamodb = aws.client("dynamodb")
    for name in (value for output, value in outputs.items() if output.startswith("Filled")):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": "old"}})
    before = _resources(aws)
    causes = _causes(aws, list(WRONG))
    for id, (codes, words) in WRONG.items():
        assert re.findall(r"^\d+\. \[([a-z-]+)\]", causes[id], re.MULTILINE) == codes, causes[id]
        assert not [word for word in words if word not in causes[id]], causes[id]
    assert _resources(aws) == before


def _causes(aws: EmbeddedAws, ids: list[str]) -> dict[str, str]:
    """Start all the migrations, and return how each failed."""
    states = aws.client("stepfunctions")
    executions = {}
    for id in ids:
        machine = find_migration(states, f"{STACK}/{id}").state_machine_arn
        executions[id] = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    return {id: _cause(states, arn) for id, arn in executions.items()}


def _cause(states: Any, execution: str) -> str:
    limit = time.monotonic() + AT_MOST_SECONDS
    while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < limit
        time.sleep(0.2)
    assert (found["status"], found["error"]) == ("FAILED", "SetupCheckFailed"), found
    # The cause is what Lambda reports of the exception: JSON, with the message in it.
    cause: str = found["cause"]
    return cause.replace("\\n", "\n").replace('\\"', '"')


def _resources(aws: EmbeddedAws) -> dict[str, Any]:
    """What SetupCheck could have made or changed."""
    dynamodb, kept = aws.client("dynamodb"), ("TableName", "StreamSpecification", "KeySchema", "GlobalSecondaryIndexes")
    tables = [dynamodb.describe_table(TableName=name)["Table"] for name in dynamodb.list_tables()["TableNames"]]
    return {
        "tables": [{name: table.get(name) for name in kept} for table in tables],
        "mappings": [
            found["UUID"] for found in aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        ],
        "locks": aws.client("ssm").get_parameters_by_path(Path="/ddb-migration", Recursive=True)["Parameters"],
        "job runs": [aws.client("glue").get_job_runs(JobName=job["Name"])["JobRuns"] for job in _jobs(aws)],
    }


def _jobs(aws: EmbeddedAws) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = aws.client("glue").get_jobs()["Jobs"]
    return jobs
