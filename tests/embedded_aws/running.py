"""Helpers to run executions and to wait."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from ddb_migration_construct.rehearsal.embedded import EmbeddedAws


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Wait until the condition holds, and return what it answered."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


def run(aws: EmbeddedAws, state_machine: str, given: dict[str, Any], seconds: float = 60.0) -> dict[str, Any]:
    """Start an execution and return its description when it has ended."""
    states = aws.client("stepfunctions")
    arn = states.start_execution(stateMachineArn=state_machine, input=json.dumps(given))["executionArn"]

    def ended() -> dict[str, Any] | None:
        described: dict[str, Any] = states.describe_execution(executionArn=arn)
        return described if described["status"] != "RUNNING" else None

    answer: dict[str, Any] = until(ended, seconds)
    return answer


def items(aws: EmbeddedAws, table: str) -> dict[str, Any]:
    pages = aws.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {item["pk"]["S"]: item for page in pages for item in page["Items"]}
