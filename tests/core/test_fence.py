from __future__ import annotations

import json

import pytest

from ddb_migration.core.fence import (
    POLICY_BYTES,
    PolicyTooLarge,
    fence_sid,
    fence_statement,
    has_fence,
    holds_sid,
    with_fence,
    without_fence,
)

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/source"
SID = fence_sid("control")
FENCE = fence_statement(SID, TABLE, ["arn:aws:iam::123456789012:role/reverse"])
THEIRS = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "1"}, "Action": "dynamodb:Scan", "Resource": TABLE}


def policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Id": "kept", "Statement": list(statements)})


def test_a_migrations_fence_has_its_own_name_of_letters_and_digits() -> None:
    assert SID.isalnum()
    assert fence_sid("control") == SID != fence_sid("other")


def test_every_way_to_write_is_denied_to_everyone_but_the_exempt_and_dynamodb_itself() -> None:
    assert (FENCE["Effect"], FENCE["Principal"], FENCE["Resource"]) == ("Deny", "*", TABLE)
    assert set(FENCE["Action"]) == {
        f"dynamodb:{action}"
        for action in (
            *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"),
            *("PartiQLInsert", "PartiQLUpdate", "PartiQLDelete"),
        )
    }
    exempt = FENCE["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert exempt[0] == "arn:aws:iam::123456789012:role/reverse"
    assert "aws-service-role" in exempt[1]
    assert "dynamodb.amazonaws.com" in FENCE["Condition"]["StringNotEquals"]["aws:PrincipalServiceName"]


def test_the_fence_joins_what_stands_in_the_policy_and_leaves_it_behind() -> None:
    fenced = with_fence(policy(THEIRS), FENCE)
    assert json.loads(fenced)["Statement"] == [THEIRS, FENCE]
    assert json.loads(fenced)["Id"] == "kept"
    assert has_fence(fenced, FENCE)
    assert with_fence(fenced, FENCE) == fenced
    assert json.loads(str(without_fence(fenced, SID))) == json.loads(policy(THEIRS))


def test_a_table_without_a_policy_has_none_afterwards() -> None:
    fenced = with_fence(None, FENCE)
    assert json.loads(fenced) == {"Version": "2012-10-17", "Statement": [FENCE]}
    assert without_fence(fenced, SID) is None


def test_one_statement_without_a_list_is_understood() -> None:
    alone = json.dumps({"Version": "2012-10-17", "Statement": THEIRS})
    assert json.loads(with_fence(alone, FENCE))["Statement"] == [THEIRS, FENCE]


def test_a_policy_written_otherwise_that_says_the_same_holds_the_fence() -> None:
    turned = {**FENCE, "Action": FENCE["Action"][::-1], "Resource": [TABLE], "Principal": {"AWS": "*"}}
    assert has_fence(policy(turned), FENCE)


@pytest.mark.parametrize(
    "weakened",
    [
        {**FENCE, "Effect": "Allow"},
        {**FENCE, "Action": FENCE["Action"][1:]},
        {**FENCE, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {**FENCE, "Condition": {**FENCE["Condition"], "Bool": {"aws:SecureTransport": "false"}}},
        {**FENCE, "Resource": TABLE + "2"},
        {**FENCE, "Sid": "Other"},
        THEIRS,
    ],
)
def test_a_weakened_fence_is_none(weakened: object) -> None:
    assert not has_fence(policy(weakened), FENCE)
    assert not has_fence(None, FENCE)


def test_the_own_name_is_found_whatever_it_stands_for() -> None:
    assert holds_sid(policy({**FENCE, "Effect": "Allow"}), SID)
    assert not holds_sid(policy(THEIRS), SID)


def test_a_policy_that_would_be_too_long_is_refused() -> None:
    long = policy({**THEIRS, "Condition": {"StringEquals": {"aws:PrincipalTag/a": "x" * (POLICY_BYTES - 400)}}})
    with pytest.raises(PolicyTooLarge, match="DynamoDB takes 20480"):
        with_fence(long, FENCE)
