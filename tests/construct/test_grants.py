"""What each role may do, action by action and resource by resource."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration

from tests.construct.stacks import as_list, default_template, plain, properties, statements, template_with

Grant = tuple[str, str]

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

SOURCE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
DESTINATION = "<DestinationOrdersMigration.Arn>"
CONTROL = "<ControlTable.Arn>"
QUEUE, DEAD_LETTERS = "<ChangeQueue.Arn>", "<ChangeQueueDeadLetterQueue.Arn>"
BUCKET = "<MigrationBucket.Arn>"
LOCKS = "arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/ddb-migration/destination-locks/*"
JOB = "arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:job/"
DIRECT, LARGE, VERIFY = f"{JOB}<DirectMigrationJob>", f"{JOB}<LargeMigrationJob>", f"{JOB}<VerifyJob>"
GLUE_LOGS = "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:/aws-glue/*"
EXECUTIONS = "arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<MigrateStateMachine.Name>:*"
BUS = "arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default"
ASSETS = "arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>"
APPLY_MAPPING = {"ArnEquals": {"lambda:FunctionArn": ["<WriteCdcFunction.Arn>"]}}
OWN_METRICS = {"StringEquals": {"cloudwatch:namespace": "DdbMigration"}}
OWN_MAPPINGS = {"ArnEquals": {"lambda:FunctionArn": ["<StreamProcessorFunction.Arn>", "<WriteCdcFunction.Arn>"]}}


def on(resources: str | list[str], service: str, *actions: str) -> set[Grant]:
    return {(f"{service}:{action}", resource) for resource in as_list(resources) for action in actions}


FUNCTION_LOGS = on("<Logs.Arn>", "logs", "CreateLogStream", "PutLogEvents")
EVERY_JOB = on([ASSETS, f"{ASSETS}/*"], "s3", "GetObject*", "GetBucket*", "List*") | on(
    GLUE_LOGS, "logs", "AssociateKmsKey", "CreateLogGroup", "CreateLogStream", "PutLogEvents"
)
EVERY_JOB |= on("*", "cloudwatch", "PutMetricData")
JOB_COMMON = (
    EVERY_JOB
    | on(SOURCE, "dynamodb", "DescribeTable")
    | on(DESTINATION, "dynamodb", "BatchWriteItem")
    | on(CONTROL, "dynamodb", "GetItem", "UpdateItem", "Query")
)
LOG_DELIVERY = on(
    "*",
    "logs",
    *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
    *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
)
X_RAY = on("*", "xray", "PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")

GRANTS: dict[str, set[Grant]] = {
    "StreamProcessorRole": FUNCTION_LOGS
    | on(f"{SOURCE}/stream/*", "dynamodb", "DescribeStream", "GetRecords", "GetShardIterator")
    | on("*", "dynamodb", "ListStreams")
    | on(CONTROL, "dynamodb", "GetItem", "UpdateItem")
    | on(QUEUE, "sqs", "SendMessage"),
    "WriteCdcRole": FUNCTION_LOGS
    | on(SOURCE, "dynamodb", "GetItem")
    | on(DESTINATION, "dynamodb", "PutItem", "DeleteItem")
    | on(CONTROL, "dynamodb", "GetItem", "UpdateItem")
    | on(QUEUE, "sqs", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "ChangeMessageVisibility"),
    "SetupCheckRole": FUNCTION_LOGS
    | on(SOURCE, "dynamodb", "DescribeTable", "DescribeContinuousBackups", "DescribeTimeToLive")
    | on(DESTINATION, "dynamodb", "DescribeTable", "DescribeTimeToLive", "Scan")
    | on(
        ["<DirectMigrationJobRole.Arn>", "<LargeMigrationJobRole.Arn>", "<VerifyJobRole.Arn>"],
        "iam",
        "SimulatePrincipalPolicy",
    )
    | on(CONTROL, "dynamodb", "GetItem", "Query")
    | on(LOCKS, "ssm", "GetParameter")
    | on("*", "lambda", "ListEventSourceMappings")
    | on(["<StreamProcessorFunction.Arn>", "<WriteCdcFunction.Arn>"], "lambda", "InvokeFunction")
    | on(EXECUTIONS, "states", "DescribeExecution"),
    "EnableTriggerRole": FUNCTION_LOGS
    | on(SOURCE, "dynamodb", "DescribeTable", "DescribeContinuousBackups", "ExportTableToPointInTime")
    | on(f"{SOURCE}/export/*", "dynamodb", "DescribeExport")
    | on(f"{BUCKET}/export/*", "s3", "AbortMultipartUpload", "PutObject", "PutObjectAcl")
    | on(CONTROL, "dynamodb", "GetItem", "UpdateItem", "Query", "BatchGetItem")
    | on(f"{CONTROL}/index/parked", "dynamodb", "Query")
    | on(LOCKS, "ssm", "GetParameter", "PutParameter", "DeleteParameter")
    | on(
        "*", "lambda", "CreateEventSourceMapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping"
    )  # only under the condition OWN_MAPPINGS, as shown below
    | on("*", "lambda", "ListEventSourceMappings")
    | on([DIRECT, LARGE], "glue", "GetJobRuns")
    | on(QUEUE, "sqs", "GetQueueAttributes", "SendMessage")
    | on([SOURCE, DESTINATION], "dynamodb", "BatchGetItem")
    | on(f"{BUCKET}/verify/*", "s3", "GetObject", "PutObject")
    | on(BUCKET, "s3", "ListBucket")
    | on(BUS, "events", "PutEvents")
    | on(EXECUTIONS, "states", "DescribeExecution"),
    "CutOverRole": FUNCTION_LOGS
    | on(SOURCE, "dynamodb", "DescribeTable", "DescribeTimeToLive", "BatchGetItem")
    | on(f"{SOURCE}/stream/*", "dynamodb", "DescribeStream", "GetRecords", "GetShardIterator")
    | on("*", "dynamodb", "ListStreams")
    | on(DESTINATION, "dynamodb", "BatchGetItem")
    | on(CONTROL, "dynamodb", "GetItem", "UpdateItem", "Query", "BatchGetItem")
    | on([f"{CONTROL}/index/parked", f"{CONTROL}/index/changed"], "dynamodb", "Query")
    | on(LOCKS, "ssm", "GetParameter", "DeleteParameter")
    | on("*", "lambda", "UpdateEventSourceMapping", "DeleteEventSourceMapping", "ListEventSourceMappings")
    | on([QUEUE, DEAD_LETTERS], "sqs", "GetQueueAttributes")
    | on(QUEUE, "sqs", "SendMessage")
    | on(f"{BUCKET}/verify/*", "s3", "GetObject")
    | on(BUCKET, "s3", "ListBucket")
    | on(BUS, "events", "PutEvents"),
    "CleanUpRole": FUNCTION_LOGS
    | on(CONTROL, "dynamodb", "GetItem", "UpdateItem")
    | on(LOCKS, "ssm", "GetParameter", "DeleteParameter")
    | on("*", "lambda", "DeleteEventSourceMapping", "ListEventSourceMappings")
    | on([DIRECT, LARGE, VERIFY], "glue", "GetJobRuns", "BatchStopJobRun")
    | on(f"{SOURCE}/export/*", "dynamodb", "DescribeExport")
    | on(BUCKET, "s3", "ListBucketVersions")
    | on(f"{BUCKET}/*", "s3", "DeleteObject", "DeleteObjectVersion")
    | on(EXECUTIONS, "states", "DescribeExecution", "StopExecution"),
    "RereadRole": FUNCTION_LOGS
    | on(SOURCE, "dynamodb", "DescribeTable")
    | on(CONTROL, "dynamodb", "GetItem", "UpdateItem")
    | on(QUEUE, "sqs", "SendMessage")
    | on("*", "lambda", "UpdateEventSourceMapping", "ListEventSourceMappings")
    | on(DEAD_LETTERS, "sqs", "ReceiveMessage", "DeleteMessage"),
    "DirectMigrationJobRole": JOB_COMMON | on(SOURCE, "dynamodb", "Scan"),
    "LargeMigrationJobRole": JOB_COMMON | on(f"{BUCKET}/export/*", "s3", "GetObject") | on(BUCKET, "s3", "ListBucket"),
    "VerifyJobRole": EVERY_JOB
    | on([SOURCE, DESTINATION], "dynamodb", "DescribeTable", "DescribeTimeToLive", "Scan", "BatchGetItem")
    | on(CONTROL, "dynamodb", "GetItem", "BatchGetItem", "UpdateItem", "Query")
    | on(QUEUE, "sqs", "GetQueueAttributes")
    | on(f"{BUCKET}/verify/*", "s3", "GetObject", "PutObject", "DeleteObject")
    | on(BUCKET, "s3", "ListBucket"),
    "MigrateStateMachineRole": on(
        [
            f"<{function}Function.Arn>{version}"
            for function in ("SetupCheck", "EnableTrigger", "CutOver")
            for version in ("", ":*")
        ],
        "lambda",
        "InvokeFunction",
    )
    | on([DIRECT, LARGE, VERIFY], "glue", "StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")
    | LOG_DELIVERY
    | X_RAY,
}
# The Service Authorization Reference gives these no resource type.
WITHOUT_RESOURCE = on("*", "dynamodb", "ListStreams") | on("*", "lambda", "ListEventSourceMappings")
# A mapping's ARN is not known before it exists; the condition names the functions instead.
BY_CONDITION = on("*", "lambda", "CreateEventSourceMapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping")
SOURCE_READS = {
    *("dynamodb:DescribeTable", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeExport"),
    "dynamodb:DescribeTimeToLive",
    *("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
    *("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Scan", "dynamodb:ExportTableToPointInTime"),
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return default_template()


@pytest.fixture(scope="module")
def template_with_features() -> dict[str, Any]:
    return template_with(enable_source_features=True)


def grants(template: dict[str, Any]) -> dict[str, set[Grant]]:
    found: dict[str, set[Grant]] = {}
    for role, statement in statements(template):
        pairs = {(a, r) for a in as_list(statement["Action"]) for r in as_list(statement["Resource"])}
        found.setdefault(role, set()).update(pairs)
    return found


@pytest.mark.parametrize("role", GRANTS)
def test_role_may_do_this_and_nothing_else(template: dict[str, Any], role: str) -> None:
    assert grants(template)[role] == GRANTS[role]


def test_there_is_no_other_role(template: dict[str, Any]) -> None:
    assert set(grants(template)) == set(GRANTS)


def test_the_readme_has_a_row_for_every_role_and_no_other(template: dict[str, Any]) -> None:
    rows = re.findall(r"^\| (\w+) \| .+ \| .+ \|$", README.split("| role | may | on |")[1], re.MULTILINE)
    told = rows[: rows.index("Migrate") + 1]
    # The state machine's role is called by what it is the role of; a function's and a job's by its owner.
    assert {f"{name}Role" for name in told} == {role.replace("StateMachine", "") for role in GRANTS}


def test_the_readme_tells_which_roles_the_props_add(template: dict[str, Any]) -> None:
    added = set(grants(template_with(fence_source_writes=True, rollback_window=Duration.days(1)))) - set(GRANTS)
    paragraph = README.split("change it:")[1].split("A deployment cannot pull")[0]
    assert added == {"CutOverCanary", "ReverseStreamProcessorRole", "ReverseWriteCdcRole"}
    assert all(name.removesuffix("Role").removeprefix("CutOver") in paragraph for name in added)


def test_every_statement_allows_by_action_and_resource(template: dict[str, Any]) -> None:
    for _, statement in statements(template):
        assert statement["Effect"] == "Allow"
        assert set(statement) <= {"Action", "Effect", "Resource", "Condition"}


def test_no_statement_grants_every_action(template: dict[str, Any]) -> None:
    actions = {action for _, statement in statements(template) for action in as_list(statement["Action"])}
    assert not [action for action in actions if action == "*" or action.endswith(":*")]


def test_the_jobs_put_metrics_of_one_namespace_only(template: dict[str, Any]) -> None:
    putting = [
        (role, statement.get("Condition"))
        for role, statement in statements(template)
        if "cloudwatch:PutMetricData" in as_list(statement["Action"])
    ]
    assert {role for role, _ in putting} == {"DirectMigrationJobRole", "LargeMigrationJobRole", "VerifyJobRole"}
    assert all(condition == OWN_METRICS for _, condition in putting)


def test_every_resource_is_meant_only_where_aws_knows_none(template: dict[str, Any]) -> None:
    for _, statement in statements(template):
        if "*" in as_list(statement["Resource"]):
            without_condition = on("*", "", *()) | {(action, "*") for action in as_list(statement["Action"])}
            if statement.get("Condition") in (OWN_MAPPINGS, APPLY_MAPPING):
                without_condition -= BY_CONDITION
            if statement.get("Condition") == OWN_METRICS:
                without_condition -= on("*", "cloudwatch", "PutMetricData")
            assert without_condition <= WITHOUT_RESOURCE | LOG_DELIVERY | X_RAY


def test_mappings_are_those_of_the_own_functions_only(template: dict[str, Any]) -> None:
    verbs = {action for action, _ in BY_CONDITION}
    found = [statement for _, statement in statements(template) if verbs & set(as_list(statement["Action"]))]
    operators = [statement for statement in found if statement["Condition"] == APPLY_MAPPING]
    assert [statement["Action"] for statement in operators] == ["lambda:UpdateEventSourceMapping"]
    assert [statement["Condition"] for statement in found if statement not in operators] == [OWN_MAPPINGS] * 3


def test_the_source_is_only_read(template: dict[str, Any]) -> None:
    allowed = {
        action for pairs in grants(template).values() for action, resource in pairs if resource.startswith(SOURCE)
    }
    assert allowed == SOURCE_READS


def test_nobody_may_change_tables_at_all(template: dict[str, Any]) -> None:
    actions = {action for pairs in grants(template).values() for action, _ in pairs}
    assert not {"dynamodb:UpdateTable", "dynamodb:UpdateContinuousBackups", "dynamodb:DeleteTable"} & actions


def test_enable_source_features_adds_two_switches_to_one_role(
    template: dict[str, Any], template_with_features: dict[str, Any]
) -> None:
    before, after = grants(template), grants(template_with_features)
    added = {role: after[role] - before[role] for role in after if after[role] != before[role]}
    # What it switches on it puts on record.
    switches = on(SOURCE, "dynamodb", "UpdateTable", "UpdateContinuousBackups") | on(CONTROL, "dynamodb", "UpdateItem")
    assert added == {"SetupCheckRole": switches}


def test_fence_source_writes_adds_the_policy_and_a_role_that_is_denied(template: dict[str, Any]) -> None:
    before, after = grants(template), grants(template_with(fence_source_writes=True))
    added = {role: after[role] - before.get(role, set()) for role in after if after[role] != before.get(role)}
    policy = on(SOURCE, "dynamodb", "GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy")
    assert added == {
        "SetupCheckRole": on(SOURCE, "dynamodb", "GetResourcePolicy"),
        "CutOverRole": policy | on("<CutOverCanary.Arn>", "sts", "AssumeRole"),
        "CutOverCanary": on(SOURCE, "dynamodb", "DeleteItem"),
        "CleanUpRole": policy | on(BUS, "events", "PutEvents"),
    }


def test_the_canary_is_assumed_by_the_function_that_cuts_over_alone() -> None:
    found = properties(template_with(fence_source_writes=True), "AWS::IAM::Role", "CutOverCanary")
    (trust,) = plain(found["AssumeRolePolicyDocument"])["Statement"]
    assert (trust["Action"], trust["Principal"]) == ("sts:AssumeRole", {"AWS": "<CutOverRole.Arn>"})


def test_nobody_may_write_to_the_source_even_then(template_with_features: dict[str, Any]) -> None:
    allowed = {
        action
        for pairs in grants(template_with_features).values()
        for action, resource in pairs
        if resource.startswith(SOURCE)
    }
    assert allowed - SOURCE_READS == {"dynamodb:UpdateTable", "dynamodb:UpdateContinuousBackups"}
