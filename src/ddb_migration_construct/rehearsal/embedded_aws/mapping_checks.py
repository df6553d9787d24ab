"""What Lambda checks before it creates an event source mapping.

Source: observed messages of CreateEventSourceMapping, and AWS Lambda Developer Guide, "Execution role
permissions" for Amazon SQS and DynamoDB Streams. Action and role are added to AWS's words.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from .clients import root
from .permissions import refused_actions
from .services import ServiceError

_QUEUE_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_STREAM_ACTIONS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")


def check_new_mapping(given: dict[str, Any]) -> None:
    """Raise what CreateEventSourceMapping answers if the mapping exists or its role cannot read the source."""
    source = str(given.get("EventSourceArn", ""))
    try:
        function = root["lambda"].get_function_configuration(FunctionName=given.get("FunctionName", ""))
    except ClientError:
        return  # MiniStack answers for a function that does not exist
    _check_unique(function, source)
    if ":sqs:" in source:
        _check_queue(function, source)
    elif ":dynamodb:" in source:
        _check_stream(function, source)


def _check_unique(function: dict[str, Any], source: str) -> None:
    found = root["lambda"].list_event_source_mappings(FunctionName=function["FunctionName"], EventSourceArn=source)[
        "EventSourceMappings"
    ]
    if found:
        raise ServiceError(
            "ResourceConflictException",
            f'The event source arn (" {source} ") and function (" {function["FunctionName"]} ") provided '
            "mapping already exists. Please update or delete the existing mapping with UUID "
            f"{found[0]['UUID']}",
            409,
        )


def _check_queue(function: dict[str, Any], queue_arn: str) -> None:
    refused = refused_actions(function["Role"], _QUEUE_ACTIONS, queue_arn)
    if refused:
        verb = refused[0].partition(":")[2]
        raise ServiceError(
            "InvalidParameterValueException",
            f"The function execution role does not have permissions to call {verb} on SQS "
            f"({function['Role']} is not authorized to perform: {', '.join(refused)} on {queue_arn})",
        )
    url = root["sqs"].get_queue_url(QueueName=queue_arn.rsplit(":", 1)[-1])["QueueUrl"]
    attributes = root["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    visibility = int(attributes["Attributes"]["VisibilityTimeout"])
    if visibility < function["Timeout"]:
        raise ServiceError(
            "InvalidParameterValueException",
            f"Queue visibility timeout: {visibility} seconds is less than Function timeout: "
            f"{function['Timeout']} seconds",
        )


def _check_stream(function: dict[str, Any], stream_arn: str) -> None:
    refused = refused_actions(function["Role"], _STREAM_ACTIONS, stream_arn)
    if refused:
        raise ServiceError(
            "InvalidParameterValueException",
            f"Cannot access stream {stream_arn}. Please ensure the role can perform the GetRecords, "
            "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM. "
            f"({function['Role']} is not authorized to perform: {', '.join(refused)})",
        )
