"""SetupCheck simulates what the jobs need, and the construct grants that."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ddb_migration import names
from ddb_migration.aws.environment import Environment
from ddb_migration.core.place import Place
from ddb_migration.core.setup import Setup
from setup_check.job_work import JobWork, job_works
from tests.construct.test_grants import BUCKET, CONTROL, DESTINATION, GRANTS, SOURCE

# The resources as the template has them, behind the ARNs that a deployment makes of them.
WRITTEN = {
    "source": SOURCE,
    "destination": DESTINATION,
    "arn:aws:dynamodb:us-east-1:1:table/control": CONTROL,
    "arn:aws:s3:::bucket": BUCKET,
    "arn:aws:s3:::bucket/export/probe": f"{BUCKET}/export/*",
    "arn:aws:s3:::bucket/verify/probe": f"{BUCKET}/verify/*",
}
ENVIRONMENT = Environment(
    {
        names.CONTROL_TABLE: "control",
        names.MIGRATION_BUCKET: "bucket",
        names.DIRECT_MIGRATION_ROLE: "DirectMigrationJobRole",
        names.LARGE_MIGRATION_ROLE: "LargeMigrationJobRole",
        names.VERIFY_ROLE: "VerifyJobRole",
    }
)


def set_up(**facts: Any) -> Setup:
    home = Place("aws", "us-east-1", "1")
    given = {"home": home, "source_arn": "source", "destination_arn": "destination", "destination_role": None}
    return cast(Setup, SimpleNamespace(**given, **facts))


@pytest.mark.parametrize("is_large", [False, True])
def test_what_is_simulated_is_what_is_granted_of_tables_and_bucket(is_large: bool) -> None:
    for work in job_works(set_up(is_large=is_large), ENVIRONMENT):
        assert needed(work) == granted(work)


def needed(work: JobWork) -> set[tuple[str, str]]:
    # The large job may describe the source too, and does not have to.
    always = {("dynamodb:DescribeTable", SOURCE)}
    return always | {(action, WRITTEN[resource]) for resource, actions in work.needs.items() for action in actions}


def granted(work: JobWork) -> set[tuple[str, str]]:
    return {(action, resource) for action, resource in GRANTS[work.role] if resource in WRITTEN.values()}
