"""What a table's resource policy leaves out, of what the roles of another account have to be allowed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

_ACCOUNT = re.compile(r"arn:[\w-]+:iam::(?P<account>\d{12}):")


@dataclass(frozen=True)
class Caller:
    """One role that calls the destination, and its actions (`dynamodb:PutItem`, ...)."""

    role: str
    actions: tuple[str, ...]


Callers = Mapping[str, Caller]


def callers_from_text(text: str | None) -> Callers:
    """Read the JSON that the construct wrote, by the title of the box; nobody where there is none."""
    told: dict[str, list[str]] = json.loads(text or "{}")
    return {
        title: Caller(role, tuple(f"dynamodb:{action}" for action in actions.split()))
        for title, (role, actions) in told.items()
    }


def lacking(policy: str | None, callers: Callers, table_arn: str) -> Callers:
    """Return the callers that the policy does not let do all that they do, each with what it lacks.

    Whatever this cannot judge (conditions, NotPrincipal, NotAction) counts as allowed: a probe or the job itself
    shows it then. What must not happen is that a policy which is right stops a migration.
    """
    found = json.loads(policy)["Statement"] if policy else []
    statements = [row for row in _listed(found) if row["Effect"] == "Allow" and _is_about(row, table_arn)]
    left: dict[str, Caller] = {}
    for title, caller in callers.items():
        ours = [row for row in statements if _names(row, caller.role)]
        missing = tuple(action for action in caller.actions if not any(_allows(row, action) for row in ours))
        if missing:
            left[title] = Caller(caller.role, missing)
    return left


def _is_about(statement: Mapping[str, Any], table_arn: str) -> bool:
    return any(fnmatchcase(table_arn, pattern) for pattern in _listed(statement.get("Resource", "*")))


def _names(statement: Mapping[str, Any], role: str) -> bool:
    principal = statement.get("Principal", "*")
    named = ["*"] if principal == "*" else _listed(principal.get("AWS", []))
    match = _ACCOUNT.match(role)
    account = match["account"] if match else ""
    whole = {"*", role, account, role.split(":role/")[0] + ":root"}
    return any(name in whole for name in named)


def _allows(statement: Mapping[str, Any], action: str) -> bool:
    patterns = _listed(statement.get("Action", "*"))
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
