from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest

from ddb_migration.aws.table_policy import TableGone, TablePolicy
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.fence import fence_sid, fence_statement, has_fence
from tests.aws.conftest import Client
from tests.fakes.aws import FakeAws
from tests.fakes.client_errors import client_error
from tests.fakes.making import create_table

SID = fence_sid("control")


def until_true(step: Any) -> None:
    """Repeat as the state machine does; the embedded AWS blocks changes for a third of a second."""
    for _ in range(20):
        if step():
            return
        time.sleep(0.1)
    raise AssertionError("not done")


def theirs(arn: str) -> dict[str, Any]:
    return {"Sid": "T", "Effect": "Allow", "Principal": "*", "Action": ["dynamodb:Scan"], "Resource": [arn]}


@pytest.mark.parametrize("with_policy", [False, True])
def test_the_fence_is_put_and_lifted_and_the_policy_is_as_before(client: Client, name: str, with_policy: bool) -> None:
    dynamodb = client("dynamodb")
    arn = create_table(dynamodb, f"{name}-source", ("pk", "S"))
    before = json.dumps({"Version": "2012-10-17", "Statement": [theirs(arn)]}) if with_policy else None
    if before is not None:
        dynamodb.put_resource_policy(ResourceArn=arn, Policy=before)
    policy, fence = TablePolicy(dynamodb, arn), fence_statement(SID, arn)
    until_true(lambda: policy.put_fence(fence))
    assert has_fence(policy.text(), fence)
    until_true(lambda: policy.remove_fence(SID))
    after = policy.text()
    assert (json.loads(after) if after else None) == (json.loads(before) if before else None)
    assert policy.remove_fence(SID), "and once more"


def test_a_policy_that_changed_in_between_is_read_again(fake: FakeAws) -> None:
    arn = create_table(fake.dynamodb, "source", ("pk", "S"))
    policy, fence = TablePolicy(fake.dynamodb, arn), fence_statement(SID, arn)
    deployed = json.dumps({"Version": "2012-10-17", "Statement": [theirs(arn)]})
    fake.dynamodb.before("PutResourcePolicy", lambda: fake.dynamodb.policies.update({arn: (deployed, "7")}))
    assert not policy.put_fence(fence)
    assert policy.text() == deployed, "what came in between is not overwritten"
    assert not policy.put_fence(fence)
    assert policy.put_fence(fence)
    assert [one["Sid"] for one in json.loads(str(policy.text()))["Statement"]] == ["T", SID]


def test_a_deployment_before_the_lifting_is_kept(fake: FakeAws) -> None:
    arn = create_table(fake.dynamodb, "source", ("pk", "S"))
    policy, fence = TablePolicy(fake.dynamodb, arn), fence_statement(SID, arn)
    policy.put_fence(fence)
    both = json.dumps({"Version": "2012-10-17", "Statement": [dict(fence), theirs(arn)]})
    fake.dynamodb.before("DeleteResourcePolicy", lambda: fake.dynamodb.policies.update({arn: (both, "8")}))
    assert not policy.remove_fence(SID)
    assert not policy.remove_fence(SID)
    assert policy.remove_fence(SID)
    assert json.loads(str(policy.text()))["Statement"] == [theirs(arn)]


def test_a_fence_that_is_anothers_by_now_stays(fake: FakeAws) -> None:
    arn = create_table(fake.dynamodb, "source", ("pk", "S"))
    policy, fence = TablePolicy(fake.dynamodb, arn), fence_statement(SID, arn)

    def refuse() -> None:
        raise MigrationStopped("another's")

    assert policy.remove_fence(SID, refuse), "there is none yet"
    policy.put_fence(fence)
    with pytest.raises(MigrationStopped):
        policy.remove_fence(SID, refuse)
    assert has_fence(policy.text(), fence)


def test_a_fence_that_is_put_anew_between_the_look_and_the_lifting_stays(fake: FakeAws) -> None:
    arn = create_table(fake.dynamodb, "source", ("pk", "S"))
    policy, fence = TablePolicy(fake.dynamodb, arn), fence_statement(SID, arn)
    policy.put_fence(fence)

    def put_anew() -> None:
        text, _ = fake.dynamodb.policies[arn]
        fake.dynamodb.policies[arn] = text, "9"

    assert not policy.remove_fence(SID, put_anew)
    assert has_fence(policy.text(), fence)


def test_the_pause_after_a_change_is_waited_for_and_other_errors_are_told(fake: FakeAws) -> None:
    arn = create_table(fake.dynamodb, "source", ("pk", "S"))
    policy, fence = TablePolicy(fake.dynamodb, arn), fence_statement(SID, arn)
    fake.dynamodb.fail("PutResourcePolicy", client_error("PutResourcePolicy", "ResourceInUseException"))
    assert not policy.put_fence(fence)
    assert policy.text() is None
    fake.dynamodb.fail("PutResourcePolicy", client_error("PutResourcePolicy", "AccessDeniedException", "no"))
    with pytest.raises(Exception, match="AccessDenied"):
        policy.put_fence(fence)


def test_a_table_that_is_gone_has_no_policy_and_needs_none_but_cannot_be_fenced(client: Client, name: str) -> None:
    dynamodb = client("dynamodb")
    arn = create_table(dynamodb, f"{name}-old", ("pk", "S"))
    dynamodb.delete_table(TableName=f"{name}-old")
    policy, fence = TablePolicy(dynamodb, arn), fence_statement(SID, arn)
    assert policy.text() is None
    assert policy.remove_fence(SID)
    assert policy.keep_fence(fence)
    with pytest.raises(TableGone, match=re.escape(arn)):
        policy.put_fence(fence)


def test_a_table_that_goes_after_the_look_is_looked_at_again(fake: FakeAws) -> None:
    arn = create_table(fake.dynamodb, "source", ("pk", "S"))
    policy, fence = TablePolicy(fake.dynamodb, arn), fence_statement(SID, arn)
    fake.dynamodb.before("PutResourcePolicy", lambda: fake.dynamodb.delete_table(TableName=arn))
    assert not policy.keep_fence(fence)
    assert policy.keep_fence(fence)
