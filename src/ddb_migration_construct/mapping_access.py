"""Access to the event source mappings of a migration's own functions."""

from __future__ import annotations

from collections.abc import Sequence

from ddb_migration_construct.migration_function import MigrationFunction


def allow_mappings(function: MigrationFunction, owners: Sequence[MigrationFunction], *verbs: str) -> None:
    """Let a function do these verbs (`Create`, `Update`, `Delete`) to the mappings of the owners.

    A mapping's ARN holds an id that only its creation brings, so the functions are named by condition (Service
    Authorization Reference, AWS Lambda: `lambda:FunctionArn`); listing takes neither resource nor condition.
    """
    owned = {"ArnEquals": {"lambda:FunctionArn": [owner.function_arn for owner in owners]}}
    function.allow([f"lambda:{verb}EventSourceMapping" for verb in verbs], ["*"], owned)
    function.allow(["lambda:ListEventSourceMappings"], ["*"])
