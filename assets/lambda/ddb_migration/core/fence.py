"""The fence: a statement of our own in a table's resource policy that denies every write of items.

Sources: DynamoDB guide, "DynamoDB API operations supported by resource-based policies" and "IAM security policies
with PartiQL for DynamoDB" (the actions; a transaction is judged by the action of each of its items); IAM guide,
"AWS global condition context keys" (`aws:PrincipalArn` is the role's ARN for a session of it, and is missing where
a service itself calls: a negated condition on a missing key holds); DynamoDB guide, "DynamoDB global tables
security" (its service-linked roles must not be denied) and "Resource-based policy considerations" (20 KB).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

POLICY_BYTES = 20 * 1024
WRITES = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
# Expiry of items is DynamoDB's own work, replication that of its service-linked roles.
_SERVICE_LINKED_ROLES = "arn:*:iam::*:role/aws-service-role/*dynamodb.amazonaws.com/*"
_SERVICES = ("dynamodb.amazonaws.com", "replication.dynamodb.amazonaws.com")

# What becomes of the fence when the migration is completed.
KEEP, LIFT = "keep", "lift"

Statement = Mapping[str, Any]


class PolicyTooLarge(ValueError):
    """The table's policy leaves no room for the fence."""


def fence_sid(control_table: str) -> str:
    """Return the Sid of a migration's fence: letters and digits, and no other migration's."""
    return f"DdbMigrationFence{hashlib.sha256(control_table.encode()).hexdigest()[:12]}"


def fence_statement(sid: str, table_arn: str, exempt_roles: Sequence[str] = ()) -> Statement:
    """Return the statement that denies writes to everyone but these roles and DynamoDB itself."""
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(WRITES),
        "Resource": table_arn,
        "Condition": {
            "ArnNotLike": {"aws:PrincipalArn": [*exempt_roles, _SERVICE_LINKED_ROLES]},
            "StringNotEquals": {"aws:PrincipalServiceName": list(_SERVICES)},
        },
    }


def with_fence(policy: str | None, statement: Statement) -> str:
    """Return the policy with the statement in it, in place of an earlier one of the same Sid.

    Raises PolicyTooLarge when DynamoDB would not take it.
    """
    document = _document(policy)
    others = [one for one in _statements(document) if one.get("Sid") != statement["Sid"]]
    text = _text({**document, "Statement": [*others, dict(statement)]})
    if len(text.encode()) > POLICY_BYTES:
        raise PolicyTooLarge(
            f"with the fence the table's resource policy has {len(text.encode())} bytes, and DynamoDB takes "
            f"{POLICY_BYTES}; shorten the policy, or cut over without a fence"
        )
    return text


def without_fence(policy: str, sid: str) -> str | None:
    """Return the policy without the statement of this Sid, None where nothing else is in it."""
    document = _document(policy)
    others = [one for one in _statements(document) if one.get("Sid") != sid]
    return _text({**document, "Statement": others}) if others else None


def has_fence(policy: str | None, statement: Statement) -> bool:
    """Tell whether a policy holds the statement, and nobody has weakened it.

    What is not there as it was put counts as missing: to put it once more is harmless.
    """
    found = [one for one in _statements(_document(policy)) if one.get("Sid") == statement["Sid"]]
    return len(found) == 1 and _plain({**found[0], "Principal": _principal(found[0])}) == _plain(statement)


def holds_sid(policy: str | None, sid: str) -> bool:
    """Tell whether a policy holds a statement of this Sid, whatever it says."""
    return any(one.get("Sid") == sid for one in _statements(_document(policy)))


def fence_left(table_arn: str, sid: str) -> str:
    """Return what is said of a fence that stays, with what lifts it."""
    return (
        f"the table {table_arn} stays fenced: it takes no writes. To let it take writes again, take the statement "
        f"{sid} out of its resource policy (aws dynamodb get-resource-policy --resource-arn {table_arn}, then "
        "put-resource-policy with the rest); where nothing else is in it: "
        f"aws dynamodb delete-resource-policy --resource-arn {table_arn}"
    )


def _document(policy: str | None) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(policy) if policy else {"Version": "2012-10-17", "Statement": []}
    return document


def _statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    # IAM's grammar permits one statement without a list around it.
    given = document["Statement"]
    return given if isinstance(given, list) else [given]


def _text(document: Mapping[str, Any]) -> str:
    # DynamoDB counts white space too.
    return json.dumps(document, separators=(",", ":"))


def _principal(statement: Statement) -> Any:
    """Return the principal; everyone can be written in two ways (IAM guide, "Principal")."""
    given = statement.get("Principal")
    return "*" if given in ({"AWS": "*"}, {"AWS": ["*"]}) else given


def _plain(value: Any) -> Any:
    """Return a value in which one text and a list of that one text are the same, and lists have no order."""
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    members = value if isinstance(value, list | tuple) else [value]
    return sorted(str(member) for member in members)
