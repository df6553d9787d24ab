"""The right to announce phases: events on the default bus, and notifications on the team's topic."""

from __future__ import annotations

from aws_cdk import Stack

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources


def allow_announcements(function: MigrationFunction, resources: Resources) -> None:
    """Let a function put events on the default bus of its account and Region, and publish to the team's topic."""
    bus = Stack.of(function).format_arn(service="events", resource="event-bus", resource_name="default")
    function.allow(["events:PutEvents"], [bus])
    topic = resources.notification_topic
    function.function.add_environment(names.NOTIFICATION_TOPIC, topic.topic_arn if topic else "")
    if topic is not None:
        topic.grant_publish(function.role)
