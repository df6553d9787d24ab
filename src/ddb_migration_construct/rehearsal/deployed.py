"""The rehearsal's deployed stack: its two tables, its migration, and clients to look at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ddb_migration_construct.cli.change_queue import read_backlog
from ddb_migration_construct.cli.control_table import read_counts, read_record, read_token
from ddb_migration_construct.cli.migrations import Migration, find_migration
from ddb_migration_construct.cli.reading import Reader, Status
from ddb_migration_construct.rehearsal.denials import denials_in, denials_in_logs


class Aws(Protocol):
    """Whatever gives clients, and keeps the logs of job runs in `work_dir`: the embedded AWS, or a fake in tests."""

    work_dir: Path

    @property
    def faults(self) -> Mapping[str, int]:
        """How many faults were injected so far, by kind."""

    def client(self, service: str) -> Any:
        """Return a boto3 client of the service."""


class Deployed:
    """What was deployed, found as a user of the command line would find it.

    `made` are the tables that were created beside the stacks, a phrase for each.
    """

    def __init__(
        self,
        aws: Aws,
        stack_name: str,
        migration_name: str,
        source: str,
        destination: str,
        made: Sequence[str] = (),
    ) -> None:
        self.source = source
        self.destination = destination
        self.made = list(made)
        self.dynamodb = aws.client("dynamodb")
        self.streams = aws.client("dynamodbstreams")
        self.states = aws.client("stepfunctions")
        self.migration: Migration = find_migration(self.states, migration_name)
        self._aws = aws
        self._sqs = aws.client("sqs")
        self._stack_name = stack_name

    def client(self, service: str) -> Any:
        """Return a boto3 client of the service."""
        return self._aws.client(service)

    @property
    def aws(self) -> Aws:
        """What gives the clients."""
        return self._aws

    def counts(self) -> dict[str, int]:
        """Return what the migration has counted, nothing before its first epoch."""
        table = self.migration.control_table
        epoch = read_record(self.dynamodb, table).epoch
        return read_counts(self.dynamodb, table, epoch) if epoch else {}

    def bulk_load(self) -> str | None:
        """Return the bulk load that the migration has chosen, None before it has."""
        return read_record(self.dynamodb, self.migration.control_table).bulk_load

    def status(self) -> Status:
        """Return how far the migration is, as the command line shows it."""
        return Reader(self.states, self.dynamodb, self._sqs).read(self.migration)

    def is_ready(self) -> bool:
        """Tell whether the migration waits for the operator."""
        return read_token(self.dynamodb, self.migration.control_table) is not None

    def faults(self) -> Mapping[str, int]:
        """Return how many faults were injected so far, by kind."""
        return self._aws.faults

    def queued(self) -> int:
        """Return the number of messages that the change queue holds."""
        return read_backlog(self._sqs, self.migration.change_queue).total

    def stream_arn(self) -> str:
        """Return the ARN of the source's stream."""
        return str(self.dynamodb.describe_table(TableName=self.source)["Table"]["LatestStreamArn"])

    def denials(self) -> list[str]:
        """Return what the stack's functions and jobs were denied, by their logs."""
        runs = self._aws.work_dir.glob("glue/*/run.log")
        of_jobs = (denial for run in runs for denial in denials_in(run.read_text("utf-8", "replace")))
        return list(dict.fromkeys([*denials_in_logs(self._aws.client("logs"), self._log_groups()), *of_jobs]))

    def _log_groups(self) -> list[str]:
        """Return where the functions log: the group they name, and the one that is theirs by default."""
        named = (
            self._aws.client("lambda").get_function_configuration(FunctionName=name) for name in self.function_names()
        )
        groups = ((one.get("LoggingConfig", {}).get("LogGroup"), f"/aws/lambda/{one['FunctionName']}") for one in named)
        return list(dict.fromkeys(group for pair in groups for group in pair if group))

    def function_names(self) -> list[str]:
        """Return the names of the stack's functions."""
        pages = self._aws.client("cloudformation").get_paginator("list_stack_resources")
        resources = (
            row for page in pages.paginate(StackName=self._stack_name) for row in page["StackResourceSummaries"]
        )
        return [row["PhysicalResourceId"] for row in resources if row["ResourceType"] == "AWS::Lambda::Function"]
