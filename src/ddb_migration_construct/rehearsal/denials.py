"""Missing permissions: finding them in what AWS says, wherever it was said."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

# "User: arn:aws:sts::1:assumed-role/ROLE/SESSION is not authorized to perform: ACTION on resource: ARN" is
# IAM's wording for all services (IAM User Guide, "Troubleshoot access denied error messages").
_DENIED = re.compile(
    r"User: arn:[^:\s]*:(?:sts|iam)::\d*:(?P<principal>[^\s]+) is not authorized to perform: "
    r"(?P<action>[\w-]+:\w+\*?)"
    r"(?: on resource: (?P<resource>[^\s\"'\\]+))?"
)


def denials_in(text: str) -> list[str]:
    """Return a phrase for each denial in a text: the action, the role, and the resource if named."""
    found = (_sentence(match) for match in _DENIED.finditer(text))
    return list(dict.fromkeys(found))


def denials_in_logs(logs: Any, groups: Iterable[str]) -> list[str]:
    """Return the denials in the log events of these groups; a group that is not there has none."""
    messages = (message for group in groups for message in _messages(logs, group))
    return denials_in("\n".join(messages))


def _sentence(match: re.Match[str]) -> str:
    kind, _, rest = match["principal"].partition("/")
    name = f"role {rest.split('/')[0]}" if kind == "assumed-role" else match["principal"]
    return f"{match['action']} for {name}" + (f" on {match['resource']}" if match["resource"] else "")


def _messages(logs: Any, group: str) -> list[str]:
    try:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, PaginationConfig={"MaxItems": 2000}
        )
        return [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
