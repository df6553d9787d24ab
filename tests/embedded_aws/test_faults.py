"""Faults: each kind is met by roles, never by the rehearsal itself, and counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from ddb_migration_construct.rehearsal.embedded import EmbeddedAws

_ANYONE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
_EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(tmp_path_factory.mktemp("faulty"), faults="heavy", fault_seed=3) as embedded:
        embedded.client("dynamodb").create_table(
            TableName="faulty",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield embedded


@pytest.fixture(scope="module")
def session(faulty: EmbeddedAws) -> boto3.session.Session:
    iam = faulty.client("iam")
    arn = iam.create_role(RoleName="role", AssumeRolePolicyDocument=json.dumps(_ANYONE))["Role"]["Arn"]
    iam.put_role_policy(RoleName="role", PolicyName="own", PolicyDocument=json.dumps(_EVERYTHING))
    keys = faulty.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return boto3.session.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")


def _client(session: boto3.session.Session, aws: EmbeddedAws, service: str) -> Any:
    return session.client(service, endpoint_url=aws.url, config=Config(retries={"total_max_attempts": 1}))


def test_item_calls_of_roles_meet_every_kind_and_lose_nothing(
    faulty: EmbeddedAws, session: boto3.session.Session
) -> None:
    dynamodb, errors, unprocessed = _client(session, faulty, "dynamodb"), [], 0
    for batch in range(240):
        waiting = [{"PutRequest": {"Item": {"pk": {"S": f"{batch}-{one}"}}}} for one in range(5)]
        while waiting:
            try:
                answer = dynamodb.batch_write_item(RequestItems={"faulty": waiting})
            except ClientError as error:
                errors.append(error.response)
                continue
            waiting = answer.get("UnprocessedItems", {}).get("faulty", [])
            unprocessed += bool(waiting)
    assert faulty.client("dynamodb").scan(TableName="faulty", Select="COUNT")["Count"] == 1200
    codes = {response["Error"]["Code"] for response in errors}
    assert codes == {"ProvisionedThroughputExceededException", "ThrottlingException", "InternalServerError"}
    reasons = [one["reason"] for response in errors for one in response.get("ThrottlingReasons", [])]
    assert set(reasons) == {"TableWriteMaxOnDemandThroughputExceeded", "TableWriteKeyRangeThroughputExceeded"}
    counted = faulty.faults
    assert counted["UnprocessedItems"] == unprocessed
    assert sum(counted[code] for code in codes) == len(errors)


def test_the_rehearsals_own_calls_meet_none(faulty: EmbeddedAws) -> None:
    before = faulty.faults
    for _ in range(150):
        faulty.client("dynamodb").put_item(TableName="faulty", Item={"pk": {"S": "own"}})
    assert faulty.faults == before


def test_entries_of_a_batch_fail_one_by_one(faulty: EmbeddedAws, session: boto3.session.Session) -> None:
    url = faulty.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    sqs, failed, sent = _client(session, faulty, "sqs"), 0, 0
    for _ in range(60):
        answer = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(4)])
        taken, refused = answer.get("Successful", []), answer.get("Failed", [])
        assert sorted(one["Id"] for one in [*taken, *refused]) == ["0", "1", "2", "3"]
        assert not any(one["SenderFault"] for one in refused)
        sent, failed = sent + len(taken), failed + len(refused)
    assert failed > 0
    depth = faulty.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    assert int(depth["Attributes"]["ApproximateNumberOfMessages"]) == sent


def test_without_faults_there_are_none(tmp_path: Path) -> None:
    assert EmbeddedAws(tmp_path).faults == {}
