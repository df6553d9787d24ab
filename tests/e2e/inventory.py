"""What of a stack is there, by everything that bears its name and all that a migration makes at run time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from ddb_migration import names

Client = Callable[[str], Any]

# Service, operation and the member of its answer; of each entry the text is searched for the stack's name.
LISTED = (
    ("dynamodb", "list_tables", "TableNames"),
    ("lambda", "list_functions", "Functions"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings"),
    ("sqs", "list_queues", "QueueUrls"),
    ("stepfunctions", "list_state_machines", "stateMachines"),
    ("logs", "describe_log_groups", "logGroups"),
    ("iam", "list_roles", "Roles"),
    ("glue", "get_jobs", "Jobs"),
    ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ("cloudwatch", "list_dashboards", "DashboardEntries"),
)


def inventory(client: Client, stack_name: str, destination_arn: str) -> set[str]:
    """Return what there is of a stack, each by its kind and name; the stack itself too."""
    listed = (
        f"{service} {found}"
        for service, operation, member in LISTED
        for found in _entries(client(service), operation, member)
        if stack_name.lower() in found.lower()
    )
    return {*listed, *_buckets(client, stack_name), *_stack(client, stack_name), *_lock(client, destination_arn)}


def _entries(client: Any, operation: str, member: str) -> Iterator[str]:
    for page in client.get_paginator(operation).paginate():
        yield from (str(entry) for entry in page.get(member, []))


def _buckets(client: Client, stack_name: str) -> Iterator[str]:
    buckets = client("s3").list_buckets()["Buckets"]
    yield from (f"s3 {bucket['Name']}" for bucket in buckets if stack_name.lower() in bucket["Name"].lower())


def _stack(client: Client, stack_name: str) -> Iterator[str]:
    stacks = client("cloudformation").describe_stacks()["Stacks"]
    yield from (f"cloudformation {stack_name}" for stack in stacks if stack["StackName"] == stack_name)


def _lock(client: Client, destination_arn: str) -> Iterator[str]:
    name = f"{names.DESTINATION_LOCKS}/{hashlib.sha256(destination_arn.encode()).hexdigest()}"
    yield from (f"ssm {found['Name']}" for found in client("ssm").get_parameters(Names=[name])["Parameters"])
