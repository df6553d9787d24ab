"""The right to announce phases: events on the default bus, and notifications on the team's topic."""

from __future__ import annotations

from ddb_migration_construct._runtime import names
from ddb_migration_construct.migration_function import MigrationFunction
from ddb_migration_construct.resources import Resources


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
