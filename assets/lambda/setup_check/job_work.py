"""What the Glue jobs do to which resource, as IAM names it."""

from __future__ import annotations

from dataclasses import dataclass

from ddb_migration import names
from ddb_migration.aws.environment import Environment
from ddb_migration.core.checks.reach import ASSUME_ROLE
from ddb_migration.core.setup import Setup


@dataclass(frozen=True)
class JobWork:
    """One job, the ARN of its role, and the actions it needs by the ARN of their resource."""

    job: str
    role: str
    needs: dict[str, tuple[str, ...]]


def job_works(setup: Setup, environment: Environment) -> tuple[JobWork, JobWork]:
    """Return the work of the jobs that this set-up will run: that of its bulk load, and VerifyJob."""
    return _bulk_load(setup, environment), _verify(setup, environment)


def _verify(setup: Setup, environment: Environment) -> JobWork:
    reads = tuple(f"dynamodb:{call}" for call in ("DescribeTable", "DescribeTimeToLive", "Scan", "BatchGetItem"))
    controls = tuple(f"dynamodb:{call}" for call in ("GetItem", "BatchGetItem", "UpdateItem", "Query"))
    bucket = _bucket(setup, environment)
    needs = {
        setup.source_arn: reads,
        **_at_destination(setup, *reads),
        _control(setup, environment): controls,
        f"{bucket}/{names.VERIFY_PREFIX}probe": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
        bucket: ("s3:ListBucket",),
    }
    return JobWork(names.VERIFY_JOB_STATE, environment[names.VERIFY_ROLE], needs)


def _bulk_load(setup: Setup, environment: Environment) -> JobWork:
    common = {
        **_at_destination(setup, "dynamodb:BatchWriteItem"),
        _control(setup, environment): ("dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query"),
    }
    if not setup.is_large:
        reads = ("dynamodb:DescribeTable", "dynamodb:Scan")
        role = environment[names.DIRECT_MIGRATION_ROLE]
        return JobWork(names.DIRECT_MIGRATION_JOB_STATE, role, {setup.source_arn: reads, **common})
    bucket = _bucket(setup, environment)
    export = {f"{bucket}/export/probe": ("s3:GetObject",), bucket: ("s3:ListBucket",)}
    return JobWork(names.LARGE_MIGRATION_JOB_STATE, environment[names.LARGE_MIGRATION_ROLE], {**export, **common})


def _at_destination(setup: Setup, *actions: str) -> dict[str, tuple[str, ...]]:
    """Return what a job itself needs for the destination: what it does there, or to be the role that does it."""
    role = setup.destination_role
    return {setup.destination_arn: actions} if role is None else {role: (ASSUME_ROLE,)}


def _control(setup: Setup, environment: Environment) -> str:
    home = setup.home
    return f"arn:{home.partition}:dynamodb:{home.region}:{home.account}:table/{environment[names.CONTROL_TABLE]}"


def _bucket(setup: Setup, environment: Environment) -> str:
    return f"arn:{setup.home.partition}:s3:::{environment[names.MIGRATION_BUCKET]}"
