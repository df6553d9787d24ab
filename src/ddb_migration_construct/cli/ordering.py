"""Giving an order to a migration that waits for one, by its task token."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ddb_migration_construct.cli.control_table import read_record, read_token
from ddb_migration_construct.cli.failures import REFUSED, CommandFailed
from ddb_migration_construct.cli.migrations import Migration
from ddb_migration_construct.cli.ways import Way

# Step Functions API, SendTaskSuccess: the task has timed out, or was answered; the state has a new token in a moment.
_OLD_TOKEN = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")
_TRIES = 15
_SECONDS_BETWEEN_TRIES = 2.0


@dataclass(frozen=True)
class Ordering:
    """Answers task tokens."""

    states: Any
    dynamodb: Any
    way: Way
    sleep: Callable[[float], object]

    def give(self, migration: Migration, order: str) -> None:
        """Give an order; a token that was replaced in between is read again.

        Raises CommandFailed (exit code 3) when the migration waits for no order.
        """
        was_given = False
        for _ in range(_TRIES):
            token = read_token(self.dynamodb, migration.control_table, self.way.prefix)
            if token is None and was_given and self._is_taken(migration, order):
                return
            if token is not None:
                if self._answered(token, order):
                    return
                was_given = True
            self.sleep(_SECONDS_BETWEEN_TRIES)
        raise CommandFailed(
            f"{migration.name} takes no order now; where its execution has ended, start it again: "
            f"ddb-migration start {migration.name}",
            REFUSED,
        )

    def _is_taken(self, migration: Migration, order: str) -> bool:
        """Tell whether the order is under way: where its answer was lost, boto3 gave it again and saw that fail."""
        record, given = read_record(self.dynamodb, migration.control_table, self.way.prefix), json.loads(order)
        is_same = (record.cut_over_form, record.cut_over_group) == (given["form"], given["group"])
        return record.cut_over_started is not None and is_same

    def _answered(self, token: str, order: str) -> bool:
        # Imported here so that the other commands start quickly.
        from botocore.exceptions import ClientError

        try:
            self.states.send_task_success(taskToken=token, output=order)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _OLD_TOKEN:
                raise
            return False
        return True
