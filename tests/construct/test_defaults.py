"""Each resource of a migration, as it is when only the two tables are given."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from tests.construct.stacks import (
    environment,
    migrate,
    new_stack,
    plain,
    properties,
    resources_of,
    template_of,
)

QUEUE = "AWS::SQS::Queue"
FUNCTION = "AWS::Lambda::Function"
JOBS = ("DirectMigrationJob", "LargeMigrationJob", "VerifyJob")
COUNTS = {
    "AWS::CloudWatch::Alarm": 8,
    "AWS::CloudWatch::Dashboard": 1,  # of the stack
    "AWS::DynamoDB::Table": 2,  # the control table, and the destination that stands beside the migration
    "AWS::Glue::Job": 3,
    "AWS::Glue::SecurityConfiguration": 0,
    "AWS::IAM::ManagedPolicy": 0,
    "AWS::IAM::Role": 11,
    "AWS::KMS::Key": 0,
    "AWS::Lambda::EventSourceMapping": 0,
    "AWS::Lambda::Function": 7,
    "AWS::Logs::LogGroup": 1,
    "AWS::S3::Bucket": 1,
    "AWS::SQS::Queue": 2,
    "AWS::StepFunctions::StateMachine": 1,
    "Custom::DynamoDbTableMigration": 1,
}


@pytest.fixture(scope="module")
def synthesised() -> Template:
    stack = new_stack()
    migrate(stack)
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template(synthesised: Template) -> dict[str, Any]:
    return dict(synthesised.to_json())


@pytest.mark.parametrize(("kind", "count"), COUNTS.items())
def test_how_many_there_are(synthesised: Template, kind: str, count: int) -> None:
    synthesised.resource_count_is(kind, count)


def test_change_queue(template: dict[str, Any]) -> None:
    assert plain(properties(template, QUEUE, "ChangeQueue")) == {
        "FifoQueue": True,
        "ContentBasedDeduplication": False,
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "VisibilityTimeout": 180,
        "MessageRetentionPeriod": 14 * 24 * 3600,
        "MaximumMessageSize": 1024 * 1024,
        "SqsManagedSseEnabled": True,
        "RedrivePolicy": {"deadLetterTargetArn": "<ChangeQueueDeadLetterQueue.Arn>", "maxReceiveCount": 1000},
    }


def test_dead_letter_queue(template: dict[str, Any]) -> None:
    assert properties(template, QUEUE, "ChangeQueueDeadLetterQueue") == {
        "FifoQueue": True,
        "ContentBasedDeduplication": False,
        "DeduplicationScope": "messageGroup",
        "FifoThroughputLimit": "perMessageGroupId",
        "VisibilityTimeout": 180,
        "MessageRetentionPeriod": 14 * 24 * 3600,
        "MaximumMessageSize": 1024 * 1024,
        "SqsManagedSseEnabled": True,
    }


def test_queues_take_tls_only(template: dict[str, Any]) -> None:
    policy = plain(properties(template, "AWS::SQS::QueuePolicy"))
    assert policy["Queues"] == ["<ChangeQueue>", "<ChangeQueueDeadLetterQueue>"]
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "sqs:*",
            "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


def test_control_table(template: dict[str, Any]) -> None:
    assert properties(template, "AWS::DynamoDB::Table", "ControlTable") == {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [
            *({"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "parked_epoch", "changed_in")),
            {"AttributeName": "at", "AttributeType": "N"},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "parked",
                "KeySchema": [{"AttributeName": "parked_epoch", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            },
            {
                "IndexName": "changed",
                "KeySchema": [
                    {"AttributeName": "changed_in", "KeyType": "HASH"},
                    {"AttributeName": "at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["item_key"]},
            },
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
    }


def test_bucket_is_private_and_encrypted(template: dict[str, Any]) -> None:
    assert properties(template, "AWS::S3::Bucket") == {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    }


def test_bucket_takes_tls_only(template: dict[str, Any]) -> None:
    policy = plain(properties(template, "AWS::S3::BucketPolicy"))
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": "s3:*",
            "Resource": ["<MigrationBucket.Arn>", "<MigrationBucket.Arn>/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


def test_logs_are_kept_for_three_months(template: dict[str, Any]) -> None:
    found = properties(template, "AWS::Logs::LogGroup")
    assert set(found) == {"LogGroupName", "RetentionInDays"}
    assert found["RetentionInDays"] == 90


def name_of_the_logs(template: dict[str, Any]) -> tuple[str, Any]:
    """The name as far as it is known, and what follows."""
    separator, (known, rest) = properties(template, "AWS::Logs::LogGroup")["LogGroupName"]["Fn::Join"]
    assert separator == ""
    return known, rest


def test_logs_have_a_name_that_takes_no_room_in_the_account_s_policy_of_logs(template: dict[str, Any]) -> None:
    known, rest = name_of_the_logs(template)
    assert re.fullmatch("/aws/vendedlogs/states/Orders-[0-9a-f]{8}-", known)
    # A log group that was retained must not be in the way of the next stack of the same name.
    assert rest == {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}


def test_the_arn_of_the_logs_is_one_that_step_functions_takes() -> None:
    stack = new_stack(stack_name="S" * 128)
    migrate(stack)
    known, _ = name_of_the_logs(template_of(stack))
    guid = "c7b5e0d0-1b2c-11ef-8e5d-0242ac120002"
    arn = f"arn:aws-us-gov:logs:us-gov-west-1:123456789012:log-group:{known}{guid}:*"
    # Step Functions API, CloudWatchLogsLogGroup.
    assert len(arn) <= 256


def test_two_migrations_of_a_stack_have_logs_of_their_own() -> None:
    stack = new_stack()
    for id in ("First", "Second"):
        migrate(stack, id)
    groups = resources_of(template_of(stack), "AWS::Logs::LogGroup").values()
    assert len({str(group["Properties"]["LogGroupName"]) for group in groups}) == 2


@pytest.mark.parametrize(
    ("function", "folder", "seconds", "memory"),
    [
        ("StreamProcessor", "stream_processor", 60, 1024),
        ("WriteCdc", "write_cdc", 30, 1769),
        ("SetupCheck", "setup_check", 120, 512),
        ("EnableTrigger", "enable_trigger", 60, 512),
        ("CutOver", "cut_over", 60, 1769),
        ("CleanUp", "clean_up", 900, 512),
        ("Reread", "reread", 60, 512),
    ],
)
def test_functions(template: dict[str, Any], function: str, folder: str, seconds: int, memory: int) -> None:
    found = plain(properties(template, FUNCTION, f"{function}Function"))
    assert {name: found[name] for name in found if name not in ("Code", "Environment")} == {
        "Handler": f"{folder}.handler.handler",
        "Runtime": "python3.14",
        "Architectures": ["arm64"],
        "Timeout": seconds,
        "MemorySize": memory,
        "Role": f"<{function}Role.Arn>",
        "LoggingConfig": {"LogGroup": "<Logs>"},
    }


QUEUE_AND_TABLE = {"CONTROL_TABLE": "<ControlTable>", "CHANGE_QUEUE_URL": "<ChangeQueue>"}
FUNCTIONS = {"STREAM_PROCESSOR": "<StreamProcessorFunction.Arn>", "WRITE_CDC": "<WriteCdcFunction.Arn>"}
SOURCE = {"SOURCE_TABLE": "arn:aws:dynamodb:us-east-1:123456789012:table/orders"}
DESTINATION = {"DESTINATION_TABLE": "<DestinationOrdersMigration.Arn>"}
NAME = {"MIGRATION_NAME": "Orders/OrdersMigration"}
WORKS = {
    "DIRECT_MIGRATION_JOB": "<DirectMigrationJob>",
    "LARGE_MIGRATION_JOB": "<LargeMigrationJob>",
    "MIGRATION_BUCKET": "<MigrationBucket>",
}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("StreamProcessor", {**QUEUE_AND_TABLE, **NAME}),
        (
            "WriteCdc",
            {**QUEUE_AND_TABLE, **SOURCE, **DESTINATION, **NAME, "CHANGE_RETENTION_SECONDS": str(14 * 86400)},
        ),
        (
            "SetupCheck",
            {
                **QUEUE_AND_TABLE,
                **SOURCE,
                **DESTINATION,
                **FUNCTIONS,
                **NAME,
                "MIGRATION_BUCKET": "<MigrationBucket>",
                "DIRECT_MIGRATION_ROLE": "<DirectMigrationJobRole.Arn>",
                "LARGE_MIGRATION_ROLE": "<LargeMigrationJobRole.Arn>",
                "VERIFY_ROLE": "<VerifyJobRole.Arn>",
            },
        ),
        (
            "EnableTrigger",
            {
                **QUEUE_AND_TABLE,
                **SOURCE,
                **DESTINATION,
                **FUNCTIONS,
                **NAME,
                **WORKS,
                "CHANGE_QUEUE_ARN": "<ChangeQueue.Arn>",
                "NOTIFICATION_TOPIC": "",
            },
        ),
        (
            "CutOver",
            {
                **QUEUE_AND_TABLE,
                **SOURCE,
                **DESTINATION,
                **FUNCTIONS,
                **NAME,
                "MIGRATION_BUCKET": "<MigrationBucket>",
                "CHANGE_QUEUE_ARN": "<ChangeQueue.Arn>",
                "DEAD_LETTER_QUEUE_URL": "<ChangeQueueDeadLetterQueue>",
                "NOTIFICATION_TOPIC": "",
                "CANARY_ROLE": "",
            },
        ),
        (
            "CleanUp",
            {
                **QUEUE_AND_TABLE,
                **SOURCE,
                **DESTINATION,
                **FUNCTIONS,
                **NAME,
                **WORKS,
                "VERIFY_JOB": "<VerifyJob>",
                "NOTIFICATION_TOPIC": "",
            },
        ),
        (
            "Reread",
            {
                **QUEUE_AND_TABLE,
                **SOURCE,
                "CHANGE_QUEUE_ARN": "<ChangeQueue.Arn>",
                "WRITE_CDC": "<WriteCdcFunction.Arn>",
                "DEAD_LETTER_QUEUE_URL": "<ChangeQueueDeadLetterQueue>",
            },
        ),
    ],
)
def test_environment(template: dict[str, Any], function: str, expected: dict[str, str]) -> None:
    found = plain(environment(template, function))
    assert {name: value for name, value in found.items() if name != "SETTINGS"} == expected


@pytest.mark.parametrize("function", ["SetupCheck", "EnableTrigger", "CutOver"])
def test_settings(template: dict[str, Any], function: str) -> None:
    assert json.loads(environment(template, function)["SETTINGS"]) == {
        "size_threshold_bytes": 80 * 2**30,
        "enable_source_features": False,
        "accepted_findings": [],
        "worker_type": "G.1X",
        "max_workers": 4,
        "max_apply_concurrency": 100,
        "change_retention_seconds": 14 * 86400,
        "repair_extra": False,
        "fence_source_writes": False,
    }


@pytest.mark.parametrize("job", JOBS)
def test_jobs(template: dict[str, Any], job: str) -> None:
    found = plain(properties(template, "AWS::Glue::Job", job))
    assert {name: found[name] for name in found if name not in ("Command", "DefaultArguments")} == {
        "GlueVersion": "5.1",
        "WorkerType": "G.1X",
        "NumberOfWorkers": 4,
        "ExecutionProperty": {"MaxConcurrentRuns": 1},
        "MaxRetries": 0,
        "Timeout": 10_079,
        "Role": f"<{job}Role.Arn>",
    }
    assert {name: found["Command"][name] for name in ("Name", "PythonVersion")} == {
        "Name": "glueetl",
        "PythonVersion": "3",
    }
    assert found["Command"]["ScriptLocation"].endswith(".py")


@pytest.mark.parametrize(
    ("job", "more"),
    [
        ("DirectMigrationJob", {"--max_rejected_items": "0"}),
        ("LargeMigrationJob", {"--max_rejected_items": "0", "--bucket": "<MigrationBucket>"}),
        (
            "VerifyJob",
            {
                "--bucket": "<MigrationBucket>",
                "--change_queue": "<ChangeQueue>",
                "--sample": "100%",
                "--settle_seconds": "60",
            },
        ),
    ],
)
def test_arguments_of_jobs(template: dict[str, Any], job: str, more: dict[str, str]) -> None:
    found = plain(properties(template, "AWS::Glue::Job", job)["DefaultArguments"])
    assert found.pop("--extra-py-files").endswith(".zip")
    assert found == {
        "--job-bookmark-option": "job-bookmark-disable",
        "--enable-continuous-cloudwatch-log": "true",
        "--migration_name": NAME["MIGRATION_NAME"],
        "--control_table": "<ControlTable>",
        "--source_table": SOURCE["SOURCE_TABLE"],
        "--destination_table": DESTINATION["DESTINATION_TABLE"],
        "--destination_role": "none",
        **more,
    }


@pytest.mark.parametrize(
    ("role", "service"),
    [
        *((f"{name}Role", "lambda") for name in ("SetupCheck", "StreamProcessor", "EnableTrigger", "WriteCdc")),
        *((f"{name}Role", "lambda") for name in ("CutOver", "CleanUp", "Reread")),
        *((f"{job}Role", "glue") for job in JOBS),
        ("MigrateStateMachineRole", "states"),
    ],
)
def test_each_role_is_assumed_by_its_service_alone(template: dict[str, Any], role: str, service: str) -> None:
    found = properties(template, "AWS::IAM::Role", role)
    assert [entry["Principal"] for entry in found["AssumeRolePolicyDocument"]["Statement"]] == [
        {"Service": f"{service}.amazonaws.com"}
    ]
    assert "ManagedPolicyArns" not in found


def test_everything_goes_with_the_stack(template: dict[str, Any]) -> None:
    kept = [id for id, found in template["Resources"].items() if found.get("DeletionPolicy", "Delete") != "Delete"]
    # The destination is the team's own.
    assert [id[:-8] for id in kept] == ["DestinationOrdersMigration"]


def test_names_are_left_to_cloud_formation(template: dict[str, Any]) -> None:
    named = {"BucketName", "FunctionName", "LogGroupName", "Name", "QueueName", "RoleName", "StateMachineName"}
    for found in template["Resources"].values():
        given = (named | {"TableName"}) & set(found.get("Properties", {}))
        # Of logs the beginning of the name matters.
        assert not given - ({"LogGroupName"} if found["Type"] == "AWS::Logs::LogGroup" else set())


def test_state_machine_logs_and_is_traced(synthesised: Template) -> None:
    synthesised.has_resource_properties(
        "AWS::StepFunctions::StateMachine",
        {
            "TracingConfiguration": {"Enabled": True},
            # No item of a table gets into the log by the data of an execution.
            "LoggingConfiguration": {"Level": "ALL", "IncludeExecutionData": False},
            "StateMachineType": Match.absent(),
        },
    )


def test_state_machine_is_found_by_its_tags(template: dict[str, Any]) -> None:
    tags = plain(properties(template, "AWS::StepFunctions::StateMachine")["Tags"])
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "ddb-migration:name": "Orders/OrdersMigration",
        "ddb-migration:source": "arn:aws:dynamodb:us-east-1:123456789012:table/orders",
        "ddb-migration:destination": "<DestinationOrdersMigration.Arn>",
        "ddb-migration:control-table": "<ControlTable>",
        "ddb-migration:clean-up": "<CleanUpFunction>",
        "ddb-migration:change-queue": "<ChangeQueue>",
        "ddb-migration:dead-letter-queue": "<ChangeQueueDeadLetterQueue>",
        "ddb-migration:reread": "<RereadFunction>",
        "ddb-migration:verify-job": "<VerifyJob>",
        "ddb-migration:bucket": "<MigrationBucket>",
        "ddb-migration:cut-over": "<CutOverFunction>",
    }


def test_the_arn_of_the_state_machine_is_an_output(template: dict[str, Any]) -> None:
    assert [plain(output["Value"]) for output in template["Outputs"].values()] == ["<MigrateStateMachine>"]


def test_custom_resource(template: dict[str, Any]) -> None:
    (found,) = resources_of(template, "Custom::DynamoDbTableMigration").values()
    assert plain(found["Properties"]) == {
        "ServiceToken": "<CleanUpFunction.Arn>",
        "ControlTable": "<ControlTable>",
        "ChangeQueue": "<ChangeQueue>",
        "StreamProcessor": "<StreamProcessorFunction.Arn>",
        "DestinationTable": "<DestinationOrdersMigration.Arn>",
        "ForceDelete": "false",
        "KeepBucket": "false",
    }
