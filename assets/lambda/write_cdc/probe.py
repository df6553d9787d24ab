"""What WriteCdc's role may do, tried by calls that cannot change anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ddb_migration import names
from ddb_migration.aws.clients import client
from ddb_migration.aws.control_table import control_of
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.probe import denials
from ddb_migration.core.attribute_values import with_bytes

# A condition that no item meets, so neither the put nor the delete takes place.
_NEVER = "attribute_exists(#key) AND attribute_not_exists(#key)"


def probe(environment: Environment, key: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what AWS says of each permission that is missing; `key` is any key of the tables' shape."""
    destination = environment.destination.writer()
    dynamodb, sqs = client("dynamodb"), client("sqs")
    control = control_of(environment, dynamodb)
    item = with_bytes(key)
    condition: dict[str, Any] = {
        "TableName": environment[names.DESTINATION_TABLE],
        "ConditionExpression": _NEVER,
        "ExpressionAttributeNames": {"#key": next(iter(key))},
    }
    visibility = {"ReceiptHandle": "probe", "VisibilityTimeout": 0, "Id": "0"}
    return denials(
        control.read,
        control.rows.probe,
        lambda: dynamodb.get_item(TableName=environment[names.SOURCE_TABLE], Key=item),
        lambda: destination.put_item(Item=item, **condition),
        lambda: destination.delete_item(Key=item, **condition),
        lambda: sqs.change_message_visibility_batch(QueueUrl=environment[names.CHANGE_QUEUE_URL], Entries=[visibility]),
    )
