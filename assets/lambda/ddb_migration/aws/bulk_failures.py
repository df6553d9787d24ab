"""What a failed call of the bulk load means: whether it is about an item, about capacity, or will pass."""

from __future__ import annotations

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import TOO_LARGE, code, is_rejection, is_transient

THROTTLES = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"})


def is_throttle(error: Exception) -> bool:
    """Tell whether the table, or the account, takes no more at the moment."""
    return code(error) in THROTTLES


def is_about_items(error: Exception) -> bool:
    """Tell whether an item of the batch is what DynamoDB rejects, or the batch as a whole is too large."""
    return is_rejection(error) or code(error) in TOO_LARGE


def will_pass(error: Exception) -> bool:
    """Tell whether the same call may succeed in a moment."""
    return is_throttle(error) or is_transient(error)


def reasons(error: Exception) -> list[str]:
    """Return DynamoDB's own reasons for throttling, or the error's code where it gives none.

    DynamoDB API, ThrottlingReason: `reason` is such as TableWriteKeyRangeThroughputExceeded.
    """
    told = error.response.get("ThrottlingReasons", []) if isinstance(error, ClientError) else []
    return [str(row["reason"]) for row in told if row.get("reason")] or [code(error)]


def is_of_key_range(error: Exception) -> bool:
    """Tell whether a throttled call met one busy key range, and the table as a whole takes more."""
    return all("KeyRangeThroughputExceeded" in reason for reason in reasons(error))
