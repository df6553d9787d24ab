"""Probes: calls that cannot change anything, made to learn which permissions a role lacks."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code

# DynamoDB, Lambda and SQS say AccessDenied in their own ways.
DENIED = frozenset({"AccessDeniedException", "AccessDenied", "AccessDeniedError", "UnauthorizedOperation"})


def denials(*calls: Callable[[], object]) -> list[str]:
    """Make each call and return what AWS says of those it denies; every other failure is what a probe expects."""
    return [text for text in map(_denial, calls) if text]


def _denial(call: Callable[[], object]) -> str | None:
    try:
        call()
    except ClientError as error:
        return str(error) if code(error) in DENIED else None
    return None
