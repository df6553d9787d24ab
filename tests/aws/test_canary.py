from __future__ import annotations

import pytest

from ddb_migration.aws.canary import Canary, CanaryLost
from tests.fakes.aws import FakeAws
from tests.fakes.client_errors import client_error
from tests.fakes.making import create_table

KEYS = (("pk", "HASH", "S"), ("sk", "RANGE", "N"))
ROLE = "arn:aws:iam::123456789012:role/canary"


@pytest.fixture
def canary(fake: FakeAws) -> Canary:
    table = create_table(fake.dynamodb, "source", ("pk", "S"), ("sk", "N"))

    def connect(credentials: dict[str, str]) -> object:
        assert credentials["AccessKeyId"] == ROLE
        return fake.dynamodb

    return Canary(fake.sts, ROLE, table, connect)


def test_a_write_that_gets_as_far_as_its_condition_is_not_denied(fake: FakeAws, canary: Canary) -> None:
    assert not canary.is_denied(KEYS)
    assert fake.dynamodb.tables["source"].items == {}


@pytest.mark.parametrize("error", ["AccessDeniedException", "AccessDenied"])
def test_a_denial_counts(fake: FakeAws, canary: Canary, error: str) -> None:
    fake.dynamodb.fail("DeleteItem", client_error("DeleteItem", error, "explicit deny in a resource-based policy"))
    assert canary.is_denied(KEYS)


def test_a_failure_of_another_kind_says_nothing(fake: FakeAws, canary: Canary) -> None:
    fake.dynamodb.fail("DeleteItem", client_error("DeleteItem", "ThrottlingException"))
    with pytest.raises(CanaryLost, match="ThrottlingException"):
        canary.is_denied(KEYS)


def test_each_try_has_another_key(fake: FakeAws, canary: Canary) -> None:
    for _ in range(3):
        canary.is_denied(KEYS)
    keys = [str(request["Key"]) for operation, request in fake.dynamodb.calls if operation == "DeleteItem"]
    assert len(set(keys)) == 3
