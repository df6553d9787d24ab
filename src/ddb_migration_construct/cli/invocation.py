"""Calling a function of a migration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ddb_migration_construct.cli.failures import REFUSED, CommandFailed


def invoke(functions: Any, function: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Call a function and return its answer; raises CommandFailed when it fails, or refuses (exit code 3)."""
    answer = functions.invoke(FunctionName=function, Payload=json.dumps(payload))
    body: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        kind, message = body.get("errorType", "an error"), body.get("errorMessage", "")
        raise CommandFailed(f"the function {function} failed with {kind}: {message}")
    if body.get("refused"):
        raise CommandFailed(f"the migration refuses: {body['refused']}", REFUSED)
    return body
