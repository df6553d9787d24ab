"""The canary: a write that changes nothing, tried as a role that the fence is meant for."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.aws.probe import DENIED
from ddb_migration.core.table import Keys

_SESSION = "ddb-migration-canary"
# A condition that no item meets: where the fence is not seen yet, the deletion still does not take place.
_NEVER = "attribute_exists(#key) AND attribute_not_exists(#key)"


class CanaryLost(Exception):
    """The canary's write neither was denied nor got as far as its condition, so it says nothing."""


class Canary:
    """Deletes an item of a random key under a condition that cannot hold, with a role of its own.

    `connect` makes a DynamoDB client of given credentials: a new one each time, so that each try may reach another
    host of DynamoDB, for a policy reaches them one after another.
    """

    def __init__(self, sts: Any, role_arn: str, table_arn: str, connect: Callable[[dict[str, str]], Any]) -> None:
        self._sts = sts
        self._role_arn = role_arn
        self._table_arn = table_arn
        self._connect = connect

    def is_denied(self, keys: Keys) -> bool:
        """Tell whether the write is denied; `keys` are the table's.

        Raises CanaryLost when it fails otherwise than by the fence or its own condition.
        """
        credentials = self._sts.assume_role(RoleArn=self._role_arn, RoleSessionName=_SESSION)["Credentials"]
        try:
            self._connect(credentials).delete_item(
                TableName=self._table_arn,
                Key={name: _random(kind) for name, _, kind in keys},
                ConditionExpression=_NEVER,
                ExpressionAttributeNames={"#key": keys[0][0]},
            )
        except ClientError as error:
            if code(error) in DENIED:
                return True
            if code(error) != "ConditionalCheckFailedException":
                raise CanaryLost(f"the fence cannot be tried: {error}") from error
            return False
        raise CanaryLost("the fence cannot be tried: a condition that no item meets was met")


def _random(kind: str) -> dict[str, Any]:
    name = f"ddb-migration-canary-{uuid.uuid4().hex}"
    # DynamoDB's numbers have 38 digits at most.
    values: dict[str, Any] = {"S": name, "N": str(uuid.uuid4().int % 10**37), "B": name.encode()}
    return {kind: values[kind]}
