"""A migration in small: check, capture, a job, apply; every service that the construct uses takes part."""

from __future__ import annotations

from typing import Any

from tests.embedded_aws.templates import (
    attribute,
    fifo_queue,
    function,
    outputs,
    reference,
    role,
    state_machine,
    streamed_table,
    table,
)

CHECK = """
import boto3, os

class SetupCheckFailed(Exception):
    pass

def handler(event, context):
    table = boto3.client("dynamodb").describe_table(TableName=os.environ["SOURCE"])["Table"]
    if event.get("fail"):
        raise SetupCheckFailed("two problems")
    return {"status": table["TableStatus"], "execution": event["execution"]}
"""

TRIGGER = """
import boto3, os, time

def handler(event, context):
    client = boto3.client("lambda")
    shared = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    source = boto3.client("dynamodb").describe_table(TableName=os.environ["SOURCE"])["Table"]
    made = [
        client.create_event_source_mapping(FunctionName=os.environ["CAPTURE"], BatchSize=100,
            EventSourceArn=source["LatestStreamArn"], StartingPosition="TRIM_HORIZON", **shared),
        client.create_event_source_mapping(FunctionName=os.environ["APPLY"], BatchSize=10,
            EventSourceArn=os.environ["QUEUE_ARN"], ScalingConfig={"MaximumConcurrency": 4}, **shared),
    ]
    return [mapping["UUID"] for mapping in made]
"""

CAPTURE = """
import boto3, json, os

sqs = boto3.client("sqs")

def handler(event, context):
    for record in event["Records"]:
        change = record["dynamodb"]
        key = change["Keys"]["pk"]["S"]
        sqs.send_message_batch(QueueUrl=os.environ["QUEUE"], Entries=[{
            "Id": "0", "MessageBody": json.dumps({"key": key, "image": change.get("NewImage")}),
            "MessageGroupId": key, "MessageDeduplicationId": change["SequenceNumber"]}])
    return {"batchItemFailures": []}
"""

APPLY = """
import boto3, json, os

dynamodb = boto3.client("dynamodb")

def handler(event, context):
    for record in event["Records"]:
        message = json.loads(record["body"])
        if message["image"] is None:
            dynamodb.delete_item(TableName=os.environ["DESTINATION"], Key={"pk": {"S": message["key"]}})
        else:
            dynamodb.put_item(TableName=os.environ["DESTINATION"], Item=message["image"])
    return {"batchItemFailures": []}
"""

CLEAN_UP = """
import json, urllib.request

def handler(event, context):
    body = json.dumps({"Status": "SUCCESS", "PhysicalResourceId": "clean-up", "RequestId": event["RequestId"],
        "StackId": event["StackId"], "LogicalResourceId": event["LogicalResourceId"], "Data": {"Seen": "yes"}})
    request = urllib.request.Request(event["ResponseURL"], body.encode(), method="PUT")
    urllib.request.urlopen(request).read()
"""

JOB = """
import sys
import boto3
from awsglue.utils import getResolvedOptions

options = getResolvedOptions(sys.argv, ["JOB_NAME", "source", "destination"])
dynamodb = boto3.client("dynamodb")
for page in dynamodb.get_paginator("scan").paginate(TableName=options["source"], ConsistentRead=True):
    for item in page["Items"]:
        dynamodb.put_item(TableName=options["destination"], Item=item)
"""

ASSETS = {"job.py": JOB}
_ASSETS_ARN = {"Fn::Sub": "arn:aws:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/*"}
_SCRIPT = {"Fn::Sub": "s3://cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/job.py"}


def _roles() -> dict[str, Any]:
    read_stream = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
    read_queue = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    mapped = {"ArnEquals": {"lambda:FunctionArn": [attribute("Capture"), attribute("Apply")]}}
    trigger = role(
        "lambda.amazonaws.com",
        (["dynamodb:DescribeTable"], attribute("Source")),
        (["lambda:CreateEventSourceMapping"], "*"),
    )
    trigger["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][1]["Condition"] = mapped
    return {
        "CheckRole": role("lambda.amazonaws.com", (["dynamodb:DescribeTable"], attribute("Source"))),
        "TriggerRole": trigger,
        "CaptureRole": role(
            "lambda.amazonaws.com",
            (read_stream, attribute("Source", "StreamArn")),
            (["sqs:SendMessage"], attribute("Queue")),
        ),
        "ApplyRole": role(
            "lambda.amazonaws.com",
            (read_queue, attribute("Queue")),
            (["dynamodb:PutItem", "dynamodb:DeleteItem"], attribute("Destination")),
        ),
        "CleanUpRole": role("lambda.amazonaws.com"),
        "JobRole": role(
            "glue.amazonaws.com",
            (["dynamodb:Scan"], attribute("Source")),
            (["dynamodb:PutItem"], attribute("Destination")),
            (["s3:GetObject"], _ASSETS_ARN),
        ),
        "MachineRole": role(
            "states.amazonaws.com",
            (["lambda:InvokeFunction"], [attribute("Check"), attribute("Trigger")]),
            (["glue:StartJobRun", "glue:GetJobRun", "glue:BatchStopJobRun"], "*"),
        ),
    }


def _functions() -> dict[str, Any]:
    source = {"SOURCE": reference("Source")}
    mapped = {"CAPTURE": reference("Capture"), "APPLY": reference("Apply"), "QUEUE_ARN": attribute("Queue")}
    return {
        "Check": function("CheckRole", CHECK, source),
        "Trigger": function("TriggerRole", TRIGGER, {**source, **mapped}),
        "Capture": function("CaptureRole", CAPTURE, {"QUEUE": reference("Queue")}),
        "Apply": function("ApplyRole", APPLY, {"DESTINATION": reference("Destination")}),
        "CleanUp": function("CleanUpRole", CLEAN_UP),
        "CleanUpResource": {"Type": "Custom::CleanUp", "Properties": {"ServiceToken": attribute("CleanUp")}},
    }


def _invoke(name: str, payload: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": attribute(name), "Payload": payload},
        **rest,
    }


def _states() -> dict[str, Any]:
    retry = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 10, "MaxAttempts": 2}]
    return {
        "SetupCheck": _invoke(
            "Check",
            {"execution.$": "$$.Execution.Id", "fail.$": "$.fail"},
            ResultSelector={"status.$": "$.Payload.status"},
            ResultPath="$.check",
            Retry=retry,
            Next="IsActive",
        ),
        "IsActive": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.check.status", "StringEquals": "ACTIVE", "Next": "StartCapture"}],
            "Default": "NotActive",
        },
        "NotActive": {"Type": "Fail", "Error": "NotActive"},
        "StartCapture": _invoke("Trigger", {}, ResultPath="$.mappings", Next="Settle"),
        "Settle": {"Type": "Wait", "Seconds": 50, "Next": "Copy"},
        "Copy": {
            "Type": "Task",
            "Resource": "arn:aws:states:::glue:startJobRun.sync",
            "Parameters": {"JobName": reference("Job"), "Arguments": {"--epoch.$": "$$.Execution.Name"}},
            "ResultSelector": {"state.$": "$.JobRunState"},
            "ResultPath": "$.job",
            "End": True,
        },
    }


def sample_template() -> dict[str, Any]:
    """The template; every permission in it is needed."""
    job = {
        "Role": attribute("JobRole"),
        "Command": {"Name": "glueetl", "PythonVersion": "3", "ScriptLocation": _SCRIPT},
        "GlueVersion": "5.1",
        "WorkerType": "G.1X",
        "NumberOfWorkers": 2,
        "DefaultArguments": {"--source": reference("Source"), "--destination": reference("Destination")},
    }
    return {
        "Resources": {
            "Source": streamed_table(),
            "Destination": table(),
            "Queue": fifo_queue(),
            "Job": {"Type": "AWS::Glue::Job", "Properties": job},
            **_roles(),
            **_functions(),
            "Migrate": state_machine("MachineRole", "SetupCheck", _states()),
        },
        "Outputs": outputs(
            StateMachine=reference("Migrate"),
            Source=reference("Source"),
            Destination=reference("Destination"),
            Queue=reference("Queue"),
            Capture=reference("Capture"),
            Apply=reference("Apply"),
            Job=reference("Job"),
            Seen=attribute("CleanUpResource", "Seen"),
        ),
    }
