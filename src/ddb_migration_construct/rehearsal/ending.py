"""The end of a rehearsal's migration, and what it leaves behind."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.invocation import invoke_until_done
from ddb_migration_construct.rehearsal.deployed import Deployed

_ENDS_WITHIN_SECONDS = 60.0


def source_policy(deployed: Deployed) -> Any:
    """Return the source's resource policy, None where it has none."""
    arn = _arn(deployed, deployed.source)
    try:
        return json.loads(deployed.dynamodb.get_resource_policy(ResourceArn=arn)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "PolicyNotFoundException":
            raise
        return None


def abort(deployed: Deployed) -> None:
    """Give the migration up, as the command does."""
    _ask(deployed, deployed.migration.clean_up, {"action": "abort"})


def complete(deployed: Deployed) -> None:
    """Complete the migration, as the command does."""
    _ask(deployed, deployed.migration.cut_over, {"action": "complete", "lift_fence": False})


def left_behind(deployed: Deployed) -> list[str]:
    """Return what the migration has left of all that it made at run time, once its execution has had time to end."""
    until = time.monotonic() + _ENDS_WITHIN_SECONDS
    while (left := list(_left(deployed))) and time.monotonic() < until:
        time.sleep(1.0)
    return left


def _ask(deployed: Deployed, function: str, payload: dict[str, Any]) -> None:
    # In a rehearsal waits are short, and so are the looks.
    invoke_until_done(
        deployed.client("lambda"), function, payload, lambda _: None, sleep=lambda seconds: time.sleep(seconds / 5)
    )


def _left(deployed: Deployed) -> Iterator[str]:
    functions = deployed.client("lambda")
    for name in deployed.function_names():
        for page in functions.get_paginator("list_event_source_mappings").paginate(FunctionName=name):
            yield from (f"the mapping {mapping['UUID']}" for mapping in page["EventSourceMappings"])
    running = deployed.states.list_executions(
        stateMachineArn=deployed.migration.state_machine_arn, statusFilter="RUNNING"
    )["executions"]
    yield from (f"the execution {execution['name']}" for execution in running)
    digest = hashlib.sha256(_arn(deployed, deployed.destination).encode()).hexdigest()
    lock = f"{names.DESTINATION_LOCKS}/{digest}"
    found = deployed.client("ssm").get_parameters(Names=[lock])["Parameters"]
    yield from ("the destination's lock" for _ in found)


def _arn(deployed: Deployed, table: str) -> str:
    return str(deployed.dynamodb.describe_table(TableName=table)["Table"]["TableArn"])
