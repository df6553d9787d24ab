"""Whether the destination can be reached where it is: another account by its policy, another Region as a role."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ddb_migration.core.checks.commands import get_policy, statement
from ddb_migration.core.checks.permissions import role_finding
from ddb_migration.core.findings import Finding
from ddb_migration.core.resource_policy import Caller, Callers, lacking
from ddb_migration.core.setup import Setup
from ddb_migration.names import SETUP_CHECK_STATE

ASSUME_ROLE = "sts:AssumeRole"


def reach(setup: Setup) -> Iterator[Finding]:
    """Find what keeps the migration from the destination."""
    yield from _key(setup)
    without = _without(setup)
    if without:
        yield _policy(setup, without)
    for denied in setup.destination_denied:
        found = denied_finding(setup, "SetupCheck", denied)
        if found is not None:
            yield found


def denied_finding(setup: Setup, title: str, denied: str) -> Finding | None:
    """Return the finding for what AWS denied to a function; None where the destination's policy tells it already."""
    is_there = setup.destination_arn in denied or ASSUME_ROLE in denied
    if is_there and setup.destination_role is not None:
        return _role(setup, title, denied)
    if is_there and "kms:" not in denied and _without(setup):
        return None
    return role_finding("function-role", title, denied)


def _without(setup: Setup) -> Callers:
    """Return who is not let in by the policy of a destination of another account."""
    if setup.destination_role is not None or not setup.is_account_another:
        return {}
    if setup.destination_policy is None and not setup.destination_denied:
        # It works, but whether the jobs may write cannot be seen.
        ours = setup.callers.get(SETUP_CHECK_STATE)
        return {SETUP_CHECK_STATE: Caller(ours.role, ("dynamodb:GetResourcePolicy",))} if ours else {}
    return lacking(setup.destination_policy, setup.callers, setup.destination_arn)


def _policy(setup: Setup, without: Callers) -> Finding:
    told = next(iter(setup.destination_denied), None)
    said = f"; AWS says: {told.rstrip('. ')}" if told else ""
    return Finding(
        "destination-policy",
        f"the resource policy of the destination table {setup.destination_arn}, of another account than the migration, "
        f"does not allow what {', '.join(without)} must do, as far as it can be seen{said}",
        "Add these statements to the policy, in the account and best in the app that owns the table "
        "(destination_policy_statements has them for the CDK), and start again after a minute; this shows the policy, "
        "with credentials of that account. A table under the AWS managed key aws/dynamodb cannot be used from another "
        "account by any policy: then pass destination_role",
        (get_policy(setup.destination_arn), _policy_text(setup, without)),
    )


def _policy_text(setup: Setup, callers: Callers) -> str:
    rows = [_row(title, caller, setup.destination_arn) for title, caller in callers.items()]
    return json.dumps({"Version": "2012-10-17", "Statement": rows}, indent=2)


def _row(title: str, caller: Caller, table_arn: str) -> dict[str, Any]:
    return {
        "Sid": title,
        "Effect": "Allow",
        "Principal": {"AWS": caller.role},
        "Action": list(caller.actions),
        "Resource": table_arn,
    }


def _role(setup: Setup, title: str, denied: str) -> Finding:
    """Return what `destination_role` lacks: it does not trust us, or it may not do what we do."""
    found = f"{title} cannot work as destination_role {setup.destination_role}: {denied.rstrip('. ')}"
    if ASSUME_ROLE in denied:
        return Finding(
            "destination-role",
            found,
            "Let the role's trust policy name the migration's roles; the migration's side is granted already. The "
            "trust policy that does it",
            (statement_of_trust(setup.callers),),
        )
    actions = sorted({action for caller in setup.callers.values() for action in caller.actions})
    return Finding(
        "destination-role",
        found,
        "Give the role these permissions (destination_role_policy_statements has them for the CDK); a customer's KMS "
        "key of the table needs kms:Decrypt and kms:GenerateDataKey on top",
        (statement(actions, [setup.destination_arn]),),
    )


def statement_of_trust(callers: Callers) -> str:
    """Return the trust policy that lets exactly these roles in, as JSON."""
    roles = sorted({caller.role for caller in callers.values()})
    trust = {"Effect": "Allow", "Principal": {"AWS": roles}, "Action": ASSUME_ROLE}
    return json.dumps({"Version": "2012-10-17", "Statement": [trust]}, indent=2)


def _key(setup: Setup) -> Iterator[Finding]:
    """Find a KMS key of a destination in another account that the migration was not given, so cannot use."""
    table = setup.destination
    if table is None or table.key_arn is None or setup.destination_role or not setup.is_account_another:
        return
    if table.key_arn != setup.destination_key:
        yield Finding(
            "destination-key-elsewhere",
            f"the destination table {table.name} of another account is encrypted by the KMS key {table.key_arn}, which "
            "the migration was not given",
            "If this says AWS, it is the managed key aws/dynamodb, whose policy nobody can change: no other account "
            "can use the table by a resource policy; pass destination_role, or encrypt the table by DynamoDB's own "
            "key (the default). If it says CUSTOMER, import the table with that key (encryption_key of "
            "Table.from_table_attributes) and let the key's policy permit the migration's account",
            (f"aws kms describe-key --region {table.region} --key-id {table.key_arn} --query KeyMetadata.KeyManager",),
        )
