"""Whether the functions' roles can do their work, shown by a harmless probe of each."""

from __future__ import annotations

import json
from typing import Any

from ddb_migration import names
from ddb_migration.aws.environment import Environment
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup

_EXAMPLES = {"S": "probe", "N": "0", "B": "cHJvYmU="}


def role_findings(lambda_client: Any, environment: Environment, setup: Setup) -> list[Finding]:
    """Return a finding for each permission that StreamProcessor or WriteCdc lacks."""
    if setup.source is None or setup.destination is None or setup.source.keys != setup.destination.keys:
        return []
    key = {name: {kind: _EXAMPLES[kind]} for name, _, kind in setup.source.keys}
    functions = {"StreamProcessor": names.STREAM_PROCESSOR, "WriteCdc": names.WRITE_CDC}
    return [
        Finding(
            "function-role",
            f"the role of {title} lacks a permission: {denied}",
            "Give the role what is missing; a boundary or a service control policy may take it away",
        )
        for title, name in functions.items()
        for denied in _probe(lambda_client, environment[name], key)
    ]


def _probe(lambda_client: Any, function: str, key: dict[str, dict[str, str]]) -> list[str]:
    answer = lambda_client.invoke(FunctionName=function, Payload=json.dumps({"probe": key}))
    body = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        return [f"its probe failed: {body.get('errorType')}: {body.get('errorMessage')}"]
    denied: list[str] = body["denied"]
    return denied
