"""Time to live: what it deletes is on the stream, with the service as its author."""

from __future__ import annotations

import time

import pytest

from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from ddb_migration_construct.rehearsal.embedded_aws.event_records import stream_event_record

# The reaper looks once a minute.
WITHIN_SECONDS = 100


@pytest.mark.slow
@pytest.mark.rehearsal
def test_an_expired_item_goes_with_a_stream_record(aws: EmbeddedAws) -> None:
    dynamodb, streams = aws.client("dynamodb"), aws.client("dynamodbstreams")
    table = dynamodb.create_table(
        TableName="expiring",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    specification = {"Enabled": True, "AttributeName": "expires"}
    dynamodb.update_time_to_live(TableName="expiring", TimeToLiveSpecification=specification)
    for key, moment in (("gone", "1"), ("stays", "4000000000"), ("no-number", "soon")):
        value = {"S": moment} if key == "no-number" else {"N": moment}
        dynamodb.put_item(TableName="expiring", Item={"pk": {"S": key}, "expires": value})
    limit = time.monotonic() + WITHIN_SECONDS
    while dynamodb.scan(TableName="expiring")["Count"] == 3:
        assert time.monotonic() < limit, "time to live has deleted nothing"
        time.sleep(1)
    arn = table["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    place = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    records = streams.get_records(ShardIterator=streams.get_shard_iterator(**place)["ShardIterator"])["Records"]
    (removed,) = [record for record in records if record["eventName"] == "REMOVE"]
    assert removed["dynamodb"]["Keys"] == {"pk": {"S": "gone"}}
    assert stream_event_record(removed, arn)["userIdentity"] == {
        "type": "Service",
        "principalId": "dynamodb.amazonaws.com",
    }
