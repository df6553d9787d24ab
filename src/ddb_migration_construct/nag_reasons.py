"""The reasons that cdk-nag's AwsSolutions rules ask for, carried by the construct into whatever app uses it.

cdk-nag 3 is a plugin of the CDK's validations and takes acknowledgements from a construct; cdk-nag 2 reads
suppressions from the metadata of each resource. Both are written, so that a team with either finds the reasons there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import aws_cdk
from aws_cdk import CfnResource, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct, IConstruct

from ddb_migration_construct.execution_access import RolePolicy
from ddb_migration_construct.migration_role import MigrationRole, Statement

_WILDCARD = "AwsSolutions-IAM5"
_GRANT_READ = "the CDK's own grant_read of an asset; the bucket of the assets is the team's bootstrap bucket"
_GRANT_KEY = "the CDK's own grant_encrypt_decrypt; the resource is the one key"

# What a wildcard in a role looks like to cdk-nag, and why it is there. One without a reason is found by the rules.
WILDCARDS: tuple[tuple[str, str], ...] = (
    (
        r"Resource::\*",
        "ListStreams, ListEventSourceMappings, PutMetricData (a condition names the namespace), X-Ray and log delivery "
        "know no resource; a mapping has no ARN before it exists, so a condition names the functions",
    ),
    (r"Resource::.*/stream/\*", "the stream may be made after the deployment"),
    (r"Resource::.*/export/\*", "an export and its objects are named by DynamoDB, once it has been started"),
    (r"Resource::<.*MigrationBucket.*\.Arn>/.*\*", "objects of the migration's own bucket, named at run time"),
    (
        r"Resource::.*:parameter/ddb-migration/destination-locks/\*",
        "a lock is named by a hash of the destination's ARN, which is computed at run time",
    ),
    (r"Resource::.*:execution:.*:\*", "the executions of the migration's own state machine"),
    (r"Resource::.*:log-group:/aws-glue/\*", "Glue chooses the log groups of its jobs, below this name"),
    (r"Resource::.*:s3:::cdk-.*/\*", _GRANT_READ),
    (r"Action::s3:(GetObject|GetBucket|List)\*", _GRANT_READ),
    (r"Resource::<.*\.Arn>:\*", "the CDK's own grant_invoke names the function's versions; the migration makes none"),
    (r"Action::kms:(ReEncrypt|GenerateDataKey)\*", _GRANT_KEY),
)
BUCKET = {"AwsSolutions-S1": "exports of one migration, deleted with it; a bucket of access logs would outlive it"}
BOOKMARKS = {"AwsSolutions-GL3": "bookmarks are off: checkpoints are kept in the control table, which is encrypted"}
LOGS_WITHOUT_KEY = {
    "AwsSolutions-GL1": "Glue encrypts logs by a security configuration, which needs a key: pass encryption_key"
}


def carry_reasons(migration: Construct, constructs: Sequence[IConstruct], stack: Stack, *, has_key: bool) -> None:
    """Attach the reasons to a migration whose resources and rights are complete: these constructs, in their order."""
    of_jobs = BOOKMARKS if has_key else {**BOOKMARKS, **LOGS_WITHOUT_KEY}
    reasons = {**BUCKET, **of_jobs}
    for found in constructs:
        if isinstance(found, s3.CfnBucket):
            _suppress(found, BUCKET)
        elif isinstance(found, glue.CfnJob):
            _suppress(found, of_jobs)
    for resource, statements in _rights(constructs, stack):
        of_rights = _reasons_of(statements)
        _suppress(resource, of_rights)
        reasons |= of_rights
    _acknowledge(migration, reasons)


def _rights(
    constructs: Sequence[IConstruct], stack: Stack
) -> Iterator[tuple[CfnResource, Sequence[Mapping[str, Any]]]]:
    """Yield the resource of every role and policy with its statements, resolved; it comes after its owner."""
    found: list[tuple[CfnResource, list[Statement]]] = []
    owner: MigrationRole | RolePolicy | None = None
    for construct in constructs:
        if isinstance(construct, MigrationRole | RolePolicy):
            owner = construct
        elif isinstance(construct, iam.CfnRole | iam.CfnPolicy) and owner is not None:
            found.append((construct, owner.statements))
            owner = None
    resolved = stack.resolve([statements for _, statements in found])
    yield from zip((resource for resource, _ in found), resolved, strict=True)


def _reasons_of(statements: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return why each wildcard of the statements is there, by the id that cdk-nag gives it."""
    named = [f"{kind}::{text}" for kind in ("Action", "Resource") for text in _texts(statements, kind) if "*" in text]
    return {f"{_WILDCARD}[{wildcard}]": reason for wildcard in named for reason in _reasons(wildcard)}


def _texts(statements: Sequence[Mapping[str, Any]], kind: str) -> list[str]:
    values = [statement.get(kind, []) for statement in statements]
    return [_rendered(value) for given in values for value in (given if isinstance(given, list) else [given])]


def _reasons(wildcard: str) -> list[str]:
    return [reason for pattern, reason in WILDCARDS if re.fullmatch(pattern, wildcard)][:1]


def _rendered(value: Any) -> str:
    """Return a resolved value as cdk-nag writes it: `<LogicalId.Arn>` for a reference, parts joined."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return f"<{value['Ref']}>"
    if "Fn::GetAtt" in value:
        return f"<{'.'.join(value['Fn::GetAtt'])}>"
    if "Fn::Sub" in value:
        return re.sub(r"\$\{([^}]*)\}", r"<\1>", str(value["Fn::Sub"]))
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return str(separator).join(map(_rendered, parts))
    return json.dumps(value, separators=(",", ":"))


def _suppress(resource: Any, reasons: Mapping[str, str]) -> None:
    """Write cdk-nag 2's metadata; a rule with a finding in brackets is one that applies to that finding only."""
    rules: dict[str, dict[str, Any]] = {}
    for id, reason in reasons.items():
        rule, bracket, finding = id.partition("[")
        if not bracket:
            rules[id] = {"id": rule, "reason": reason}
            continue
        of_reason = rules.setdefault(f"{rule} {reason}", {"id": rule, "reason": reason, "applies_to": []})
        of_reason["applies_to"].append(finding[:-1])
    if rules:
        resource.add_metadata("cdk_nag", {"rules_to_suppress": list(rules.values())})


def _acknowledge(migration: Construct, reasons: Mapping[str, str]) -> None:
    """Acknowledge to cdk-nag 3, where the app's aws-cdk-lib is new enough to have validations (2.257)."""
    validations = getattr(aws_cdk, "Validations", None)
    if validations is None:
        return
    acknowledged = [aws_cdk.Acknowledgment(id=id, reason=reason) for id, reason in reasons.items()]
    validations.of(migration).acknowledge(*acknowledged)
