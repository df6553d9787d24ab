"""Calling a function of a migration."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ddb_migration_construct.cli.failures import REFUSED, CommandFailed
from ddb_migration_construct.cli.waiting import wait

_SECONDS_BETWEEN_CALLS = 5.0
# What AWS does meanwhile (a Glue run that stops) can take some minutes; a later call goes on where this one ended.
_GIVE_UP_AFTER_SECONDS = 1800.0


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


def invoke_until_done(
    functions: Any,
    function: str,
    payload: Mapping[str, Any],
    say: Callable[[str], None],
    sleep: Callable[[float], None] = wait,
) -> dict[str, Any]:
    """Call a function until its answer is `done`, saying what it waits for; return that answer.

    Every call but the first has `goes_on` in its payload. Raises CommandFailed when the function refuses (exit
    code 3), fails, or is not done after half an hour.
    """
    waiting_for = None
    goes_on: dict[str, Any] = {}
    for _ in range(int(_GIVE_UP_AFTER_SECONDS / _SECONDS_BETWEEN_CALLS)):
        answer = invoke(functions, function, {**payload, **goes_on})
        if answer["done"]:
            return answer
        if answer["waiting_for"] != waiting_for:
            waiting_for = answer["waiting_for"]
            say(f"waiting for {waiting_for}")
        goes_on = {"goes_on": True}
        sleep(_SECONDS_BETWEEN_CALLS)
    raise CommandFailed(f"it still waits for {waiting_for}; run the same command again to go on")
