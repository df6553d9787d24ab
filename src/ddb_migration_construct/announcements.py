"""The rights to announce phases and alarms: events on the default bus, and notifications on the team's topic."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources
from ddb_migration_construct.stack_facts import service_principal

# As sns.Topic names it (`enforce_ssl`, `add_to_resource_policy`).
_POLICY = "Policy"


def told_of_topic(resources: Resources) -> dict[str, str]:
    """Return what a function that announces is told of the team's topic."""
    topic = resources.notification_topic
    return {names.NOTIFICATION_TOPIC: topic.topic_arn if topic else ""}


def allow_announcements(function: MigrationFunction, resources: Resources) -> None:
    """Let a function put events on the default bus of its account and Region, and publish to the team's topic."""
    function.allow(["events:PutEvents"], [resources.stack.arn("events", "event-bus/default")])
    topic = resources.notification_topic
    if topic is not None:
        topic.grant_publish(function.role)


def permit_alarms(topic: sns.ITopic, account: str) -> None:
    """Let the account's alarms publish to a topic that the app makes with a policy of its own.

    A policy takes the place of SNS's default one, by which everybody of the account may publish (SNS guide, "Example
    cases for access control"), so that alarms are denied where it does not name them. A topic without one is not given
    one: whoever relies on the default would be locked out.
    """
    if topic.node.try_find_child(_POLICY) is None:
        return
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            # So that it is written once, for however many migrations.
            sid="DdbMigrationAlarms",
            principals=[service_principal("cloudwatch")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": account}},
        )
    )
