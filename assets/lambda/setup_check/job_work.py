"""What the Glue job of a bulk load does to which resource, as IAM names it."""

from __future__ import annotations

from dataclasses import dataclass

from ddb_migration import names
from ddb_migration.aws.environment import Environment
from ddb_migration.core.setup import Setup


@dataclass(frozen=True)
class JobWork:
    """One job, the ARN of its role, and the actions it needs by the ARN of their resource."""

    job: str
    role: str
    needs: dict[str, tuple[str, ...]]


def job_work(setup: Setup, environment: Environment) -> JobWork:
    """Return the work of the job that this set-up will run."""
    home = setup.home
    control = f"arn:{home.partition}:dynamodb:{home.region}:{home.account}:table/{environment[names.CONTROL_TABLE]}"
    common = {
        setup.destination_arn: ("dynamodb:BatchWriteItem",),
        control: ("dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:Query"),
    }
    if not setup.is_large:
        reads = ("dynamodb:DescribeTable", "dynamodb:Scan")
        role = environment[names.DIRECT_MIGRATION_ROLE]
        return JobWork(names.DIRECT_MIGRATION_JOB_STATE, role, {setup.source_arn: reads, **common})
    bucket = f"arn:{home.partition}:s3:::{environment[names.MIGRATION_BUCKET]}"
    export = {f"{bucket}/export/probe": ("s3:GetObject",), bucket: ("s3:ListBucket",)}
    return JobWork(names.LARGE_MIGRATION_JOB_STATE, environment[names.LARGE_MIGRATION_ROLE], {**export, **common})
