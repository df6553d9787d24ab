"""What a role lacks, as AWS says it, and the policy that gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ddb_migration.core.checks.commands import statement
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup

# IAM User Guide, "Troubleshoot access denied error messages": the words in which services say what they deny.
_DENIED = re.compile(r"not authorized to perform: (?P<action>[\w:]+)(?: on resource: (?P<resource>\S+))?")
_EXPLICIT = re.compile(r"with an explicit deny in an? (?P<policy>[\w -]+)")


def role_finding(code: str, title: str, denied: str) -> Finding:
    """Return the finding for one denial; `title` says whose role it is."""
    match = _DENIED.search(denied)
    explicit = _EXPLICIT.search(denied)
    found = f"the role of {title} lacks a permission: {denied.rstrip('. ')}"
    if explicit:
        return Finding(code, found, f"Take away what denies it: an explicit deny in a {explicit['policy'].strip()}")
    if match is None:
        return Finding(code, found, _GENERAL)
    action, resource = match["action"], (match["resource"] or "*").strip("\"',.")
    return Finding(code, found, _KEY if action.startswith("kms:") else _GENERAL, (statement([action], [resource]),))


_GENERAL = (
    "The construct grants what it needs to the tables that it was given: look for a permissions boundary, a service "
    "control policy, or a resource policy that takes it away. What is missing"
)
_KEY = (
    "Import the table with its key: dynamodb.Table.from_table_attributes(..., table_arn=..., encryption_key="
    "kms.Key.from_key_arn(...)); a key whose policy does not leave access to IAM needs the role in its policy too. "
    "What is missing"
)


def own_role(setup: Setup) -> Iterator[Finding]:
    """Find what SetupCheck itself was not allowed to look at."""
    for denied in setup.denied:
        yield role_finding("function-role", "SetupCheck", denied)
