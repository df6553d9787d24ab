"""CloudFormation's order of events, told by a custom resource that writes down each request it gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.deployment import DeploymentFailed, deploy, destroy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.embedded_aws.templates import (
    attribute,
    function,
    outputs,
    reference,
    role,
    streamed_table,
    table,
    write_assembly,
)

# Answers FAILED to the requests that its property names; its physical ID is that of its property.
_CUSTOM = """
import boto3, json, os, time, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    request = event["RequestType"]
    row = {"pk": {"S": f"{time.time():.6f}"}, "event": {"S": f"{request} {properties['Name']}"}}
    boto3.client("dynamodb").put_item(TableName=os.environ["EVENTS"], Item=row)
    failed = request in properties.get("Fail", "")
    body = {"Status": "FAILED" if failed else "SUCCESS", "Reason": "refused: run `abort` first",
            "PhysicalResourceId": event.get("PhysicalResourceId", "p") if failed else properties["Id"],
            "RequestId": event["RequestId"], "StackId": event["StackId"],
            "LogicalResourceId": event["LogicalResourceId"]}
    put = urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), method="PUT")
    urllib.request.urlopen(put).read()
"""


class Stack:
    """A stack of custom resources, and what they were asked."""

    def __init__(self, aws: EmbeddedAws, folder: Path, name: str) -> None:
        made = aws.client("dynamodb").create_table(
            TableName=f"{name}-events",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self._aws = aws
        self._folder = folder
        self.name = name
        self._table = made["TableDescription"]["TableName"]

    def deploy(self, **resources: Any) -> dict[str, str]:
        template = {
            "Resources": {
                "Role": role("lambda.amazonaws.com", (["dynamodb:PutItem"], "*")),
                "Function": function("Role", _CUSTOM, {"EVENTS": self._table}),
                **resources,
            },
            "Outputs": outputs(Function=reference("Function")),
        }
        return deploy(self._aws, write_assembly(self._folder, self.name, template), self.name)

    def status(self) -> str:
        stacks = self._aws.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return str(stacks[0]["StackStatus"])

    def taken(self) -> list[str]:
        """The requests since the last call, in order."""
        dynamodb = self._aws.client("dynamodb")
        rows = dynamodb.scan(TableName=self._table)["Items"]
        for row in rows:
            dynamodb.delete_item(TableName=self._table, Key={"pk": row["pk"]})
        return [row["event"]["S"] for row in sorted(rows, key=lambda row: float(row["pk"]["S"]))]


def _custom(name: str, identifier: str = "one", **properties: Any) -> dict[str, Any]:
    depends = {"DependsOn": properties.pop("DependsOn")} if "DependsOn" in properties else {}
    given = {"ServiceToken": attribute("Function"), "Name": name, "Id": identifier, **properties}
    return {"Type": "Custom::Probe", "Properties": given, **depends}


@pytest.fixture
def stack(aws: EmbeddedAws, assembly: Path, stack_name: str) -> Stack:
    return Stack(aws, assembly, stack_name)


@pytest.mark.slow
def test_a_failed_create_is_rolled_back(stack: Stack) -> None:
    failing = _custom("b", Fail="Create", DependsOn="A")
    with pytest.raises(DeploymentFailed, match="refused: run `abort` first"):
        stack.deploy(A=_custom("a"), B=failing)
    assert stack.status() == "ROLLBACK_COMPLETE"
    assert stack.taken() == ["Create a", "Create b", "Delete a"]


def test_a_refused_update_removes_nothing_old(stack: Stack, aws: EmbeddedAws) -> None:
    stack.deploy(A=_custom("a"), Guard=_custom("guard"))
    stack.taken()
    changed = _custom("guard", Fail="Update", More="1", DependsOn=["A2"])
    with pytest.raises(DeploymentFailed, match="refused"):
        stack.deploy(A2=_custom("a2", "two"), Guard=changed, A=_custom("a", More="1"))
    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    events = stack.taken()
    assert "Delete a" not in events
    assert events[-1] == "Delete a2"
    assert events.index("Create a2") < events.index("Update guard")


@pytest.mark.slow
def test_a_renamed_resource_is_created_before_the_old_one_is_deleted(stack: Stack) -> None:
    stack.deploy(Old=_custom("old"))
    stack.taken()
    stack.deploy(New=_custom("new"))
    assert stack.taken() == ["Create new", "Delete old"]
    with pytest.raises(DeploymentFailed, match="refused"):
        stack.deploy(Third=_custom("third", Fail="Create"))
    assert stack.taken() == ["Create third"]
    stack.deploy(New=_custom("new"), Other=_custom("other"))
    assert stack.taken() == ["Create other"]


@pytest.mark.slow
def test_a_replaced_resource_is_deleted_last(stack: Stack) -> None:
    stack.deploy(A=_custom("a", "one"), Later=_custom("later", DependsOn="A"))
    stack.taken()
    stack.deploy(A=_custom("a", "two"), Later=_custom("later", More="1", DependsOn="A"))
    assert stack.taken() == ["Update a", "Update later", "Delete a"]


@pytest.mark.slow
def test_a_deletion_waits_and_goes_backwards(stack: Stack, aws: EmbeddedAws) -> None:
    stack.deploy(A=_custom("a"), B=_custom("b", DependsOn="A"), C=_custom("c", Fail="Delete"))
    stack.taken()
    with pytest.raises(DeploymentFailed, match="DELETE_FAILED"):
        destroy(aws, stack.name)
    events = stack.taken()
    assert events.index("Delete b") < events.index("Delete a")
    assert "Delete c" in events


def test_functions_and_jobs_are_updated_in_place(stack: Stack, aws: EmbeddedAws) -> None:
    def resources(text: str, workers: int) -> dict[str, Any]:
        code = "import os\ndef handler(event, context): return 'CODE ' + os.environ['TEXT']".replace("CODE", text)
        command = {"Name": "glueetl", "ScriptLocation": "s3://none/none.py"}
        properties = {"Name": "updated", "Role": "none", "Command": command, "NumberOfWorkers": workers}
        echo = function("Role", code, {"TEXT": text}, FunctionName="echo")
        runs = {"ExecutionProperty": {"MaxConcurrentRuns": 3}, "WorkerType": "G.1X"}
        job = {"Type": "AWS::Glue::Job", "Properties": {**properties, **runs}}
        return {"Echo": echo, "Job": job}

    for text, workers in (("one", 2), ("two", 9)):
        stack.deploy(**resources(text, workers))
        answer = aws.client("lambda").invoke(FunctionName="echo")
        assert json.loads(answer["Payload"].read()) == f"{text} {text}"
        job = aws.client("glue").get_job(JobName="updated")["Job"]
        assert (job["NumberOfWorkers"], job["ExecutionProperty"]) == (workers, {"MaxConcurrentRuns": 3})
    assert stack.deploy(**resources("two", 9))


def test_every_kind_of_resource_that_the_construct_uses(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    public = {"Version": "2012-10-17", "Statement": [{**statement, "Principal": {"AWS": "*"}}]}
    encryption = {"S3Encryptions": [{"S3EncryptionMode": "SSE-S3"}]}
    index = {
        "IndexName": "parked",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    keys = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    }
    recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    replica = {"Region": "us-east-1", **recovery}
    resources = {
        "One": role("lambda.amazonaws.com"),
        "Two": role("glue.amazonaws.com"),
        "Shared": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "shared",
                "PolicyDocument": document,
                "Roles": [reference("One"), reference("Two")],
            },
        },
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": public}},
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
        "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}},
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "FifoQueue": True,
                "DeduplicationScope": "messageGroup",
                "FifoThroughputLimit": "perMessageGroupId",
                "MessageRetentionPeriod": 1209600,
                "MaximumMessageSize": 1048576,
                "RedrivePolicy": {"deadLetterTargetArn": attribute("Dead"), "maxReceiveCount": 1000},
                "SqsManagedSseEnabled": True,
            },
        },
        "QueuePolicy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"PolicyDocument": public, "Queues": [reference("Queue")]},
        },
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}},
        "BucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": reference("Bucket"), "PolicyDocument": document},
        },
        "Security": {
            "Type": "AWS::Glue::SecurityConfiguration",
            "Properties": {"Name": stack_name, "EncryptionConfiguration": encryption},
        },
        "Table": streamed_table(GlobalSecondaryIndexes=[index], SSESpecification={"SSEEnabled": True}, **recovery),
        "Global": {
            "Type": "AWS::DynamoDB::GlobalTable",
            "Properties": {**keys, "BillingMode": "PAY_PER_REQUEST", "Replicas": [replica]},
        },
        "Plain": table(),
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "MetricName": "m",
                "Namespace": "n",
                "Period": 60,
                "Statistic": "Sum",
                "Threshold": 1,
            },
        },
        "MathAlarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "Metrics": [
                    {"Id": "twice", "Expression": "2 * m"},
                    {
                        "Id": "m",
                        "MetricStat": {"Metric": {"MetricName": "m", "Namespace": "n"}, "Period": 60, "Stat": "Sum"},
                        "ReturnData": False,
                    },
                ],
                "Threshold": 1,
            },
        },
        "Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "{}"}},
        "Lock": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v", "Name": "/l/1"}},
        "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {}},
    }
    names = outputs(Table=reference("Table"), Global=reference("Global"), Plain=reference("Plain"))
    parameters = {"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk"}}
    template = {"Resources": resources, "Parameters": parameters, "Outputs": names}
    deployed = deploy(aws, write_assembly(assembly, stack_name, template), stack_name)
    dynamodb = aws.client("dynamodb")
    enabled = {
        name: dynamodb.describe_continuous_backups(TableName=deployed[name])["ContinuousBackupsDescription"][
            "PointInTimeRecoveryDescription"
        ]["PointInTimeRecoveryStatus"]
        for name in ("Table", "Global", "Plain")
    }
    assert enabled == {"Table": "ENABLED", "Global": "ENABLED", "Plain": "DISABLED"}
    destroy(aws, stack_name)
    assert deployed["Table"] not in dynamodb.list_tables()["TableNames"]
