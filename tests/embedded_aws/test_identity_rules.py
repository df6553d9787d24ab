"""IAM judges as on AWS where MiniStack alone would not; each test is the canary of a hook in ``iam_rules``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.embedded_aws.templates import (
    attribute,
    fifo_queue,
    function,
    outputs,
    reference,
    role,
    streamed_table,
    write_assembly,
)

_READ_STREAM = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
_ANYONE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


def _as_role(aws: EmbeddedAws, name: str, statements: list[dict[str, Any]]) -> boto3.session.Session:
    iam = aws.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_ANYONE))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    keys = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return boto3.session.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")


def _statement(action: list[str], resource: Any, **rest: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **rest}


def test_batch_calls_need_the_single_action(aws: EmbeddedAws) -> None:
    url = aws.client("sqs").create_queue(QueueName="batch")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:batch"
    session = _as_role(aws, "batching", [_statement(["sqs:SendMessage", "sqs:ChangeMessageVisibility"], arn)])
    sqs = session.client("sqs", endpoint_url=aws.url)
    sent = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "0", "MessageBody": "x"}])
    assert len(sent["Successful"]) == 1
    (message,) = aws.client("sqs").receive_message(QueueUrl=url)["Messages"]
    entry = {"Id": "0", "ReceiptHandle": message["ReceiptHandle"]}
    sqs.change_message_visibility_batch(QueueUrl=url, Entries=[{**entry, "VisibilityTimeout": 1}])
    with pytest.raises(ClientError, match="sqs:DeleteMessage "):
        sqs.delete_message_batch(QueueUrl=url, Entries=[entry])


def _mapped(aws: EmbeddedAws, assembly: Path, stack_name: str) -> dict[str, str]:
    template = {
        "Resources": {
            "Queue": fifo_queue(),
            "OtherQueue": fifo_queue(),
            "Reader": role("lambda.amazonaws.com", (["sqs:*"], "*")),
            "Mine": function("Reader", "def handler(event, context): pass"),
            "Other": function("Reader", "def handler(event, context): pass"),
        },
        "Outputs": outputs(
            Queue=attribute("Queue"),
            Mine=reference("Mine"),
            MineArn=attribute("Mine"),
            Other=reference("Other"),
        ),
    }
    return deploy(aws, write_assembly(assembly, stack_name, template), stack_name)


def test_mapping_calls_are_judged_by_their_function(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    deployed = _mapped(aws, assembly, stack_name)
    calls = ["lambda:CreateEventSourceMapping", "lambda:UpdateEventSourceMapping", "lambda:GetEventSourceMapping"]
    condition = {"ArnEquals": {"lambda:FunctionArn": deployed["MineArn"]}}
    session = _as_role(aws, "mapping", [_statement(calls, "*", Condition=condition)])
    functions = session.client("lambda", endpoint_url=aws.url)
    given = {"EventSourceArn": deployed["Queue"], "Enabled": False}
    mine = functions.create_event_source_mapping(FunctionName=deployed["Mine"], **given)["UUID"]
    with pytest.raises(ClientError, match="lambda:CreateEventSourceMapping"):
        functions.create_event_source_mapping(FunctionName=deployed["Other"], **given)
    other = aws.client("lambda").create_event_source_mapping(FunctionName=deployed["Other"], **given)["UUID"]
    assert functions.get_event_source_mapping(UUID=mine)["State"] == "Disabled"
    functions.update_event_source_mapping(UUID=mine, BatchSize=5)
    with pytest.raises(ClientError, match="lambda:UpdateEventSourceMapping"):
        functions.update_event_source_mapping(UUID=other, BatchSize=5)
    with pytest.raises(ClientError, match="lambda:DeleteEventSourceMapping"):
        functions.delete_event_source_mapping(UUID=mine)


def test_streams_and_exports_are_judged_by_their_arn(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    template = {
        "Resources": {"One": streamed_table(), "Two": streamed_table()},
        "Outputs": outputs(
            One=attribute("One", "StreamArn"), Two=attribute("Two", "StreamArn"), Table=attribute("One")
        ),
    }
    deployed = deploy(aws, write_assembly(assembly, stack_name, template), stack_name)
    export = _statement(["dynamodb:ExportTableToPointInTime"], deployed["Table"])
    session = _as_role(aws, "reading", [_statement(_READ_STREAM, deployed["One"]), export])
    streams = session.client("dynamodbstreams", endpoint_url=aws.url)
    (shard,) = streams.describe_stream(StreamArn=deployed["One"])["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=deployed["One"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    assert streams.get_records(ShardIterator=iterator)["Records"] == []
    with pytest.raises(ClientError, match="dynamodb:DescribeStream"):
        streams.describe_stream(StreamArn=deployed["Two"])
    tables = session.client("dynamodb", endpoint_url=aws.url)
    with pytest.raises(ClientError, match="Point in time recovery is not enabled"):
        tables.export_table_to_point_in_time(TableArn=deployed["Table"], S3Bucket="nowhere")
    aws.client("dynamodb").update_continuous_backups(
        TableName=deployed["Table"].rsplit("/", 1)[1],
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    with pytest.raises(ClientError, match="reading.*s3:PutObject"):
        tables.export_table_to_point_in_time(TableArn=deployed["Table"], S3Bucket="nowhere")


def test_a_call_to_step_functions_is_judged(aws: EmbeddedAws) -> None:
    execution = "arn:aws:states:us-east-1:123456789012:execution:none:none"
    session = _as_role(aws, "describing", [_statement(["states:DescribeExecution"], execution)])
    states = session.client("stepfunctions", endpoint_url=aws.url)
    with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
        states.describe_execution(executionArn=execution)
    with pytest.raises(ClientError, match="states:StopExecution"):
        states.stop_execution(executionArn=execution)


def test_a_simulation_is_judged_by_the_role_it_asks_about(aws: EmbeddedAws) -> None:
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/simulated"
    roles = "arn:aws:iam::123456789012:role/"
    _as_role(aws, "simulated", [_statement(["dynamodb:Scan"], table)])
    session = _as_role(aws, "simulating", [_statement(["iam:SimulatePrincipalPolicy"], f"{roles}simulated")])
    iam = session.client("iam", endpoint_url=aws.url)
    asked = {"ActionNames": ["dynamodb:Scan", "dynamodb:Query"], "ResourceArns": [table]}
    found = iam.simulate_principal_policy(PolicySourceArn=f"{roles}simulated", **asked)["EvaluationResults"]
    assert [(one["EvalActionName"], one["EvalDecision"]) for one in found] == [
        ("dynamodb:Scan", "allowed"),
        ("dynamodb:Query", "implicitDeny"),
    ]
    with pytest.raises(ClientError, match="iam:SimulatePrincipalPolicy"):
        iam.simulate_principal_policy(PolicySourceArn=f"{roles}simulating", **asked)


def test_loopback_counts_as_tls(aws: EmbeddedAws) -> None:
    url = aws.client("sqs").create_queue(QueueName="tls")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:tls"
    refused = {"Bool": {"aws:SecureTransport": "false"}}
    deny = {"Effect": "Deny", "Action": "sqs:*", "Resource": arn, "Condition": refused}
    session = _as_role(aws, "secure", [_statement(["sqs:SendMessage"], arn), deny])
    assert session.client("sqs", endpoint_url=aws.url).send_message(QueueUrl=url, MessageBody="x")
