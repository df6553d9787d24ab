"""Tables and queues as the construct makes them, through any client."""

from __future__ import annotations

from typing import Any

from ddb_migration.names import CHANGED_IN, CHANGED_INDEX, PARKED_EPOCH, PARKED_INDEX, PK, RAISED_AT, SK


def create_control_table(dynamodb: Any, name: str) -> str:
    """The control table with its sparse indexes of parked and of changed keys; returns its name."""
    parked = {
        "IndexName": PARKED_INDEX,
        "KeySchema": [{"AttributeName": PARKED_EPOCH, "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    changed = {
        "IndexName": CHANGED_INDEX,
        "KeySchema": [
            {"AttributeName": CHANGED_IN, "KeyType": "HASH"},
            {"AttributeName": RAISED_AT, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["item_key"]},
    }
    texts = (PK, SK, PARKED_EPOCH, CHANGED_IN)
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": PK, "KeyType": "HASH"}, {"AttributeName": SK, "KeyType": "RANGE"}],
        AttributeDefinitions=[
            *({"AttributeName": each, "AttributeType": "S"} for each in texts),
            {"AttributeName": RAISED_AT, "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[parked, changed],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def create_table(dynamodb: Any, name: str, *keys: tuple[str, str], stream: str | None = None, **more: Any) -> str:
    """A table with key attributes (name, type), partition key first; returns its ARN."""
    definitions = [{"AttributeName": attribute, "AttributeType": kind} for attribute, kind in keys]
    schema = [
        {"AttributeName": attribute, "KeyType": key_type}
        for (attribute, _), key_type in zip(keys, ("HASH", "RANGE"), strict=False)
    ]
    specification = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": stream}} if stream else {}
    definitions += more.pop("definitions", [])
    made = dynamodb.create_table(
        TableName=name,
        KeySchema=schema,
        AttributeDefinitions=definitions,
        BillingMode="PAY_PER_REQUEST",
        **specification,
        **more,
    )
    return str(made["TableDescription"]["TableArn"])


def create_queue(sqs: Any, name: str) -> str:
    """A FIFO queue with the construct's settings; returns its URL."""
    attributes = {
        "FifoQueue": "true",
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "VisibilityTimeout": "180",
    }
    return str(sqs.create_queue(QueueName=f"{name}.fifo", Attributes=attributes)["QueueUrl"])
