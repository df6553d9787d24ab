"""A migration from its deployment to its destruction, in which nothing may be lost and of which nothing may be left."""

from __future__ import annotations

import pytest

from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.ending import left_behind
from ddb_migration_construct.rehearsal.synthesis import MIGRATION_ID
from tests.e2e.inventory import inventory
from tests.e2e.places import Place
from tests.e2e.scenario import NothingProven, Proof, migrate

POLL_SECONDS = 10.0


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_a_migration_from_deployment_to_destruction(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print()
        proof = deployed_and_destroyed(place)
        print(proof)
    assert (proof.unequal, proof.lost) == (0, 0)
    proof.require()


def deployed_and_destroyed(place: Place) -> Proof:
    """Deploy, migrate and destroy, whatever happens in between; then nothing of it may be there any more."""
    arn = ""
    try:
        outputs = place.deploy()
        name, destination = place.stack_name, outputs["DestinationTable"]
        deployed = Deployed(place.aws, name, f"{name}/{MIGRATION_ID}", outputs["SourceTable"], destination)
        arn = deployed.dynamodb.describe_table(TableName=destination)["Table"]["TableArn"]
        # What is looked for at the end has to be found while it is there.
        kinds = {found.split()[0] for found in inventory(place.aws.client, name, arn)}
        assert {"cloudformation", "dynamodb", "glue", "iam", "lambda", "logs", "s3", "sqs", "stepfunctions"} <= kinds
        proof = migrate(deployed, max(1.0, POLL_SECONDS * place.wait_scale), print)
        assert left_behind(deployed) == []
    finally:
        place.destroy()
    assert inventory(place.aws.client, place.stack_name, arn) == set()
    return proof


@pytest.mark.parametrize("empty", ["items", "writes", "applied", "refused", "written_after"])
def test_a_run_that_proves_nothing_fails(empty: str) -> None:
    figures = dict.fromkeys(("items", "writes", "applied", "refused", "written_after"), 5)
    Proof(**figures, unequal=0, lost=0).require()
    with pytest.raises(NothingProven, match=empty):
        Proof(**{**figures, empty: 0}, unequal=0, lost=0).require()
