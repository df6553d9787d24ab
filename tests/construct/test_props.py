"""Each prop of the construct: what it changes in the template, and that none is left out here."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from ddb_migration_construct import DynamoDbTableMigration
from tests.construct.snapshots import scrubbed
from tests.construct.stacks import (
    as_list,
    default_template,
    destination,
    environment,
    migrate,
    new_stack,
    plain,
    properties,
    resources_of,
    short,
    statements,
    template_of,
    template_with,
)
from tests.construct.test_tables import KEY_ARN

SETTINGS = ("SetupCheck", "EnableTrigger")
TEAM = "arn:aws:sns:us-east-1:123456789012:team"
Test = TypeVar("Test", bound=Callable[..., None])
PROP_TESTS: dict[str, Callable[..., None]] = {}


def sets(*props: str) -> Callable[[Test], Test]:
    """Name the props that a test sets."""

    def remember(test: Test) -> Test:
        PROP_TESTS.update(dict.fromkeys(props, test))
        return test

    return remember


def settings(template: dict[str, Any], name: str) -> list[Any]:
    """What the two functions that read the settings are told; absent where they choose the default."""
    return [json.loads(environment(template, function)["SETTINGS"]).get(name) for function in SETTINGS]


@sets("source_table", "destination_table")
def test_tables() -> None:
    stack = new_stack()
    source = dynamodb.Table.from_table_name(stack, "Old", "old-orders")
    migrate(stack, source_table=source, destination_table=destination(stack, "New"))
    told = plain(environment(template_of(stack), "WriteCdc"))
    assert told["SOURCE_TABLE"].endswith(":table/old-orders")
    assert told["DESTINATION_TABLE"] == "<New.Arn>"


@sets("size_threshold")
@pytest.mark.parametrize(
    ("size", "threshold"),
    [(Size.gibibytes(0), 0), (Size.gibibytes(200), 200 * 2**30), (Size.bytes(1000), 1000)],
    ids=["always export", "200 GiB", "no whole KiB"],
)
def test_size_threshold(size: Size, threshold: int) -> None:
    assert settings(template_with(size_threshold=size), "size_threshold_bytes") == [threshold] * 2


@sets("fence_source_writes")
def test_fence_source_writes() -> None:
    template = template_with(fence_source_writes=True)
    told = json.loads(environment(template, "CutOver")["SETTINGS"])
    assert told["fence_source_writes"] is True
    assert plain(environment(template, "CutOver"))["CANARY_ROLE"] == "<CutOverCanary.Arn>"


@sets("rollback_window")
def test_rollback_window() -> None:
    template = template_with(fence_source_writes=True, rollback_window=Duration.days(3))
    assert settings(template, "rollback_window_seconds") == [3 * 86400] * 2
    assert settings(template_with(fence_source_writes=True), "rollback_window_seconds") == [None] * 2


@sets("notification_topic")
def test_notification_topic_is_told_when_an_alarm_begins_and_ends() -> None:
    stack = new_stack()
    migrate(stack, notification_topic=sns.Topic(stack, "Team"))
    found = resources_of(template_of(stack), "AWS::CloudWatch::Alarm")
    assert len(found) == 8
    for alarm in found.values():
        assert plain(alarm["Properties"]["AlarmActions"]) == plain(alarm["Properties"]["OKActions"]) == ["<Team>"]


def policies_of_topics(**props: Any) -> list[dict[str, Any]]:
    stack = new_stack()
    topic = sns.Topic(stack, "Team", **props)
    for number in range(2):
        migrate(stack, f"Migration{number}", notification_topic=topic)
    found = resources_of(template_of(stack), "AWS::SNS::TopicPolicy").values()
    return [statement for policy in found for statement in plain(policy["Properties"]["PolicyDocument"]["Statement"])]


def test_alarms_may_publish_to_a_topic_that_has_a_policy_of_its_own() -> None:
    allowed = [statement for statement in policies_of_topics(enforce_ssl=True) if statement["Effect"] == "Allow"]
    assert allowed == [
        {
            "Action": "sns:Publish",
            "Condition": {"StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"}},
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Resource": "<Team>",
            "Sid": "DdbMigrationAlarms",
        }
    ]


def test_a_topic_without_a_policy_keeps_the_default_one_that_others_rely_on() -> None:
    assert not policies_of_topics()


def test_notification_topic_is_told_each_phase() -> None:
    stack = new_stack()
    migrate(stack, notification_topic=sns.Topic(stack, "Team"))
    template = template_of(stack)
    publish = {role for role, statement in statements(template) if statement["Action"] == "sns:Publish"}
    assert publish == {"EnableTriggerRole", "CutOverRole"}
    for function in ("EnableTrigger", "CutOver"):
        assert plain(environment(template, function))["NOTIFICATION_TOPIC"] == "<Team>"


def test_notification_topic_with_a_key_that_it_knows_may_be_told() -> None:
    stack = new_stack()
    topic = sns.Topic.from_topic_attributes(stack, "Team", topic_arn=TEAM, key_arn=KEY_ARN)
    migrate(stack, notification_topic=topic)
    using = {
        role: as_list(statement["Action"])
        for role, statement in statements(template_of(stack))
        if statement["Resource"] == KEY_ARN
    }
    needed = ["kms:Decrypt", "kms:GenerateDataKey*"]
    assert using == {"EnableTriggerRole": needed, "CutOverRole": needed}


@sets("change_retention")
def test_change_retention() -> None:
    template = template_with(change_retention=Duration.days(4))
    found = {
        name: queue["Properties"]["MessageRetentionPeriod"]
        for name, queue in resources_of(template, "AWS::SQS::Queue").items()
    }
    # What could not be applied is kept for as long as SQS keeps anything.
    assert found == {"ChangeQueue": 4 * 86400, "ChangeQueueDeadLetterQueue": 14 * 86400}


@sets("enable_source_features")
def test_enable_source_features() -> None:
    # What it permits is in test_grants.
    assert settings(template_with(enable_source_features=True), "enable_source_features") == [True] * 2


@sets("accepted_findings")
@pytest.mark.parametrize("kind", [list, tuple])
def test_accepted_findings(kind: type) -> None:
    template = template_with(accepted_findings=kind(["stream-readers"]))
    assert settings(template, "accepted_findings") == [["stream-readers"]] * 2


@sets("max_read_units_per_second")
def test_max_read_units_per_second() -> None:
    template = template_with(max_read_units_per_second=500)
    assert settings(template, "max_read_units_per_second") == [500] * 2


@sets("max_write_units_per_second")
def test_max_write_units_per_second() -> None:
    template = template_with(max_write_units_per_second=40_000)
    assert settings(template, "max_write_units_per_second") == [40_000] * 2
    assert settings(default_template(), "max_write_units_per_second") == [None] * 2


@sets("max_rejected_items")
def test_max_rejected_items() -> None:
    template = template_with(max_rejected_items=5)
    jobs = [found["Properties"]["DefaultArguments"] for found in resources_of(template, "AWS::Glue::Job").values()]
    assert [arguments.get("--max_rejected_items") for arguments in jobs] == ["5", "5", None]


@sets("repair_extra")
def test_repair_extra() -> None:
    assert settings(template_with(repair_extra=True), "repair_extra") == [True] * 2


@sets("worker_type", "max_workers")
def test_workers() -> None:
    template = template_with(worker_type="G.2X", max_workers=20)
    jobs = [found["Properties"] for found in resources_of(template, "AWS::Glue::Job").values()]
    assert [(job["WorkerType"], job["NumberOfWorkers"]) for job in jobs] == [("G.2X", 20)] * 3
    # The bulk load is planned for as many tasks as the workers can run.
    assert settings(template, "worker_type") == ["G.2X"] * 2
    assert settings(template, "max_workers") == [20] * 2


@sets("max_apply_concurrency")
def test_max_apply_concurrency() -> None:
    template = template_with(max_apply_concurrency=7)
    assert settings(template, "max_apply_concurrency") == [7] * 2


@sets("destination_role")
def test_destination_role() -> None:
    # The rest of what it does is in test_destination.
    role = "arn:aws:iam::123456789012:role/destination"
    assert environment(template_with(destination_role=role), "WriteCdc")["DESTINATION_ROLE"] == role


@sets("encryption_key")
def test_encryption_key() -> None:
    # The rest of what it does is in test_encryption_key.
    stack = new_stack()
    migrate(stack, encryption_key=kms.Key(stack, "Key"))
    assert plain(properties(template_of(stack), "AWS::SQS::Queue", "ChangeQueue"))["KmsMasterKeyId"] == "<Key.Arn>"


@sets("removal_policy")
def test_removal_policy() -> None:
    template = template_with(removal_policy=RemovalPolicy.RETAIN)
    kept = [
        found["Type"]
        for found in template["Resources"].values()
        if (found.get("DeletionPolicy"), found.get("UpdateReplacePolicy")) == ("Retain", "Retain")
    ]
    destination_and_control_table = ["AWS::DynamoDB::Table"] * 2
    assert sorted(kept) == [*destination_and_control_table, "AWS::Logs::LogGroup", "AWS::S3::Bucket"]
    # CleanUp empties the bucket of a migration that goes, so it has to be told.
    assert properties(template, "Custom::DynamoDbTableMigration")["KeepBucket"] == "true"


@sets("force_delete")
def test_force_delete() -> None:
    assert properties(template_with(force_delete=True), "Custom::DynamoDbTableMigration")["ForceDelete"] == "true"


def test_every_prop_has_a_test() -> None:
    parameters = inspect.signature(DynamoDbTableMigration.__init__).parameters.values()
    props = {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    assert set(PROP_TESTS) == props


def test_props_are_keyword_only_and_only_the_tables_are_required() -> None:
    parameters = list(inspect.signature(DynamoDbTableMigration.__init__).parameters.values())
    assert [parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY] == [
        "self",
        "scope",
        "id",
    ]
    required = [parameter.name for parameter in parameters[3:] if parameter.default is parameter.empty]
    assert required == ["source_table", "destination_table"]


def test_every_prop_is_documented_with_its_default() -> None:
    documentation = inspect.getdoc(DynamoDbTableMigration.__init__) or ""
    for name, parameter in list(inspect.signature(DynamoDbTableMigration.__init__).parameters.items())[1:]:
        (line,) = [line for line in documentation.splitlines() if line.startswith(f"    {name}: ")]
        described = documentation.split(line)[1].split("\n    max")[0]
        assert parameter.default is parameter.empty or "default" in line + described


def test_properties_are_the_resources() -> None:
    stack = new_stack()
    migration = migrate(stack)
    template_of(stack)
    arns = {
        "state_machine": migration.state_machine.state_machine_arn,
        "change_queue": migration.change_queue.queue_arn,
        "dead_letter_queue": migration.dead_letter_queue.queue_arn,
        "control_table": migration.control_table.table_arn,
        "migration_bucket": migration.migration_bucket.bucket_arn,
        "log_group": migration.log_group.log_group_arn,
        "setup_check": migration.setup_check.function_arn,
        "stream_processor": migration.stream_processor.function_arn,
        "enable_trigger": migration.enable_trigger.function_arn,
        "write_cdc": migration.write_cdc.function_arn,
        "clean_up": migration.clean_up.function_arn,
        "reread": migration.reread.function_arn,
        "direct_migration_job_name": migration.direct_migration_job_name,
        "large_migration_job_name": migration.large_migration_job_name,
        "verify_job_name": migration.verify_job_name,
    }
    assert {name: plain(stack.resolve(arn)) for name, arn in arns.items()} == {
        "state_machine": "<MigrateStateMachine>",
        "change_queue": "<ChangeQueue.Arn>",
        "dead_letter_queue": "<ChangeQueueDeadLetterQueue.Arn>",
        "control_table": "<ControlTable.Arn>",
        "migration_bucket": "<MigrationBucket.Arn>",
        "log_group": "<Logs.Arn>",
        "setup_check": "<SetupCheckFunction.Arn>",
        "stream_processor": "<StreamProcessorFunction.Arn>",
        "enable_trigger": "<EnableTriggerFunction.Arn>",
        "write_cdc": "<WriteCdcFunction.Arn>",
        "clean_up": "<CleanUpFunction.Arn>",
        "reread": "<RereadFunction.Arn>",
        "direct_migration_job_name": "<DirectMigrationJob>",
        "large_migration_job_name": "<LargeMigrationJob>",
        "verify_job_name": "<VerifyJob>",
    }
    assert migration.migration_name == "Orders/OrdersMigration"


def test_nothing_given_to_the_functions_tells_which_default_they_choose() -> None:
    assert settings(default_template(), "max_read_units_per_second") == [None] * 2


def test_a_prop_changes_nothing_it_does_not_say() -> None:
    """Settings reach the functions that read them, and nothing else of the template."""
    plainly = scrubbed(default_template())
    limited = scrubbed(template_with(max_read_units_per_second=500, max_apply_concurrency=7))
    changed = {id for id in plainly["Resources"] if plainly["Resources"][id] != limited["Resources"][id]}
    assert {short(id) for id in changed} == {f"{function}Function" for function in (*SETTINGS, "CutOver")}
    assert list(statements(plainly)) == list(statements(limited))
