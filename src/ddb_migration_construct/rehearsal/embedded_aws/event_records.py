"""The events that Lambda makes of stream records and queue messages.

Source: AWS Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB" and "... with Amazon SQS".
"""

from __future__ import annotations

import base64
import datetime
from typing import Any

from .settings import REGION


def _value(attribute_value: dict[str, Any]) -> dict[str, Any]:
    ((kind, value),) = attribute_value.items()
    if kind == "B":
        return {kind: base64.b64encode(value).decode()}
    if kind == "BS":
        return {kind: [base64.b64encode(entry).decode() for entry in value]}
    if kind == "M":
        return {kind: {name: _value(entry) for name, entry in value.items()}}
    if kind == "L":
        return {kind: [_value(entry) for entry in value]}
    return {kind: value}


def _change(dynamodb: dict[str, Any]) -> dict[str, Any]:
    change = dict(dynamodb)
    for image in ("Keys", "OldImage", "NewImage"):
        if image in change:
            change[image] = {name: _value(value) for name, value in change[image].items()}
    moment = change.get("ApproximateCreationDateTime")
    if isinstance(moment, datetime.datetime):
        change["ApproximateCreationDateTime"] = float(int(moment.timestamp()))
    return change


def stream_event_record(record: dict[str, Any], stream_arn: str) -> dict[str, Any]:
    """A record of GetRecords as the function gets it: binary as base64, the date in epoch seconds."""
    identity = record.get("userIdentity")
    return {
        **{name: value for name, value in record.items() if name not in ("dynamodb", "userIdentity")},
        **({"userIdentity": {"type": identity["Type"], "principalId": identity["PrincipalId"]}} if identity else {}),
        "dynamodb": _change(record["dynamodb"]),
        "eventSourceARN": stream_arn,
    }


def _attribute(attribute: dict[str, Any]) -> dict[str, Any]:
    named = {"dataType": attribute["DataType"], "stringListValues": [], "binaryListValues": []}
    if "StringValue" in attribute:
        named["stringValue"] = attribute["StringValue"]
    if "BinaryValue" in attribute:
        named["binaryValue"] = base64.b64encode(attribute["BinaryValue"]).decode()
    return named


def queue_event_record(message: dict[str, Any], queue_arn: str) -> dict[str, Any]:
    """A message of ReceiveMessage as the function gets it."""
    attributes = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {name: _attribute(value) for name, value in attributes.items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }
