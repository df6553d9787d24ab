from __future__ import annotations

from typing import Any

import pytest

from ddb_migration.core.table import Table

DESCRIPTION: dict[str, Any] = {
    "TableArn": "arn:aws:dynamodb:eu-west-1:000000000000:table/orders",
    "TableStatus": "ACTIVE",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "B"},
        {"AttributeName": "sk", "AttributeType": "N"},
        {"AttributeName": "city", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "sk", "KeyType": "RANGE"},
        {"AttributeName": "pk", "KeyType": "HASH"},
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by-city",
            "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["b", "a"]},
        }
    ],
    "LocalSecondaryIndexes": [
        {
            "IndexName": "local",
            "KeySchema": [
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "city", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "ALL"},
        }
    ],
    "LatestStreamArn": "arn:stream",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    "TableSizeBytes": 5,
    "ItemCount": 2,
    "ProvisionedThroughput": {"ReadCapacityUnits": 7},
    "Replicas": [{"RegionName": "us-east-1"}],
}


def test_a_table_is_read_from_its_description() -> None:
    assert Table.of(DESCRIPTION) == Table(
        arn="arn:aws:dynamodb:eu-west-1:000000000000:table/orders",
        status="ACTIVE",
        keys=(("pk", "HASH", "B"), ("sk", "RANGE", "N")),
        indexes={
            "by-city": ((("city", "HASH", "S"),), "INCLUDE", ("a", "b")),
            "local": ((("pk", "HASH", "B"), ("city", "RANGE", "S")), "ALL", ()),
        },
        stream_arn="arn:stream",
        stream_view="NEW_IMAGE",
        size_bytes=5,
        item_count=2,
        provisioned_reads=7,
        replicas=1,
        local_indexes=frozenset({"local"}),
    )


def test_names_come_from_the_arn_and_the_keys() -> None:
    table = Table.of(DESCRIPTION)
    assert (table.name, table.region, table.key_names) == ("orders", "eu-west-1", ("pk", "sk"))


@pytest.mark.parametrize("specification", [{}, {"StreamSpecification": {"StreamEnabled": False}}])
def test_a_stream_that_was_switched_off_is_none(specification: dict[str, Any]) -> None:
    """DescribeTable goes on to name the last stream for a day."""
    without = {name: value for name, value in DESCRIPTION.items() if name != "StreamSpecification"}
    table = Table.of({**without, **specification})
    assert (table.stream_arn, table.stream_view) == (None, None)


def test_a_table_on_demand_has_no_provisioned_reads() -> None:
    assert Table.of({**DESCRIPTION, "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}).provisioned_reads == 0


def test_a_table_on_demand_may_be_capped() -> None:
    on_demand = {**DESCRIPTION, "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}
    caps = {"MaxReadRequestUnits": 40, "MaxWriteRequestUnits": -1}
    capped = Table.of({**on_demand, "OnDemandThroughput": caps})
    assert (capped.most_reads, capped.most_writes) == (40, 0)
    other = Table.of({**on_demand, "OnDemandThroughput": {"MaxWriteRequestUnits": 70}})
    assert (other.most_reads, other.most_writes) == (0, 70)
    provisioned = Table.of({**DESCRIPTION, "OnDemandThroughput": caps})
    assert (provisioned.most_reads, provisioned.provisioned_reads) == (0, 7)
