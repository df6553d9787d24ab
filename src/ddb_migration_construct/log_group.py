"""The log group of a migration's functions and state machine."""

from __future__ import annotations

import functools
import hashlib

from aws_cdk import Aws, Fn, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

# Step Functions guide, "Avoid the CloudWatch Logs resource policy size limit": a log group of another name takes room
# in a policy that all of an account and Region share, and in which a few dozen state machines fit.
PREFIX = "/aws/vendedlogs/states/"


def log_group(
    scope: Construct,
    id: str,
    *,
    stack_name: str,
    path: str,
    encryption_key: kms.IKey | None,
    removal_policy: RemovalPolicy,
) -> logs.LogGroup:
    """Create the log group of the migration that has this path in its stack."""
    return logs.LogGroup(
        scope,
        id,
        log_group_name=_name(stack_name, path),
        retention=logs.RetentionDays.THREE_MONTHS,
        encryption_key=encryption_key,
        removal_policy=removal_policy,
    )


def _name(stack_name: str, path: str) -> str:
    """Return a name that no other migration has, nor one before it: a log group that is retained keeps its own.

    Its ARN must not be longer than 256 characters (Step Functions API, CloudWatchLogsLogGroup), so the path is hashed.
    """
    return f"{PREFIX}{stack_name}-{hashlib.sha256(path.encode()).hexdigest()[:8]}-{_stack_guid()}"


@functools.cache
def _stack_guid() -> str:
    """Return the last part of the stack's id, which a stack of the same name does not have again."""
    return Fn.select(2, Fn.split("/", Aws.STACK_ID))
