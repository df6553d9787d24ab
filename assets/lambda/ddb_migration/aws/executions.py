"""Executions of the migration's state machine."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code


class Executions:
    """What is asked of Step Functions."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def is_running(self, arn: str) -> bool:
        """Tell whether an execution runs; one that Step Functions no longer knows has ended."""
        try:
            return bool(self._client.describe_execution(executionArn=arn)["status"] == "RUNNING")
        except ClientError as error:
            if code(error) != "ExecutionDoesNotExist":
                raise
            return False

    def stop(self, arn: str, cause: str) -> None:
        """Stop an execution if it runs."""
        if self.is_running(arn):
            self._client.stop_execution(executionArn=arn, error="Aborted", cause=cause)
