"""The lock of a destination: one migration of the account and Region at a time.

It is a parameter of Parameter Store, because that can be created only once, needs no resource of its own, and
is found by every migration from the destination's ARN alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.names import DESTINATION_LOCKS


class DestinationLocked(Exception):
    """Another migration fills the destination."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: the migration's name, and the resources that its open epoch lives in."""

    name: str
    control_table: str
    change_queue: str
    stream_processor: str


def parameter_name(destination_arn: str) -> str:
    """Return the parameter that locks a destination."""
    return f"{DESTINATION_LOCKS}/{hashlib.sha256(destination_arn.encode()).hexdigest()}"


class DestinationLock:
    """The lock of one destination, as one migration sees it."""

    def __init__(self, client: Any, destination_arn: str, me: Holder) -> None:
        self._client = client
        self._name = parameter_name(destination_arn)
        self._me = me

    def holder(self) -> Holder | None:
        """Return who holds the lock."""
        try:
            return Holder(**json.loads(self._client.get_parameter(Name=self._name)["Parameter"]["Value"]))
        except ClientError as error:
            if code(error) != "ParameterNotFound":
                raise
            return None

    def other(self) -> Holder | None:
        """Return another migration that holds the lock, None where it is free or ours."""
        holder = self.holder()
        return None if holder is None or holder.control_table == self._me.control_table else holder

    def acquire(self) -> None:
        """Take the lock, or keep it; raises DestinationLocked when another migration holds it."""
        try:
            self._client.put_parameter(Name=self._name, Type="String", Value=json.dumps(asdict(self._me)))
        except ClientError as error:
            if code(error) != "ParameterAlreadyExists":
                raise
            other = self.other()
            if other is not None:
                raise DestinationLocked(
                    f"the destination is being filled by the migration {other.name}; let that one end, or give "
                    f"it up: ddb-migration abort {other.name}"
                ) from error

    def release(self) -> None:
        """Give the lock back if it is ours."""
        holder = self.holder()
        if holder is not None and holder.control_table == self._me.control_table:
            self._client.delete_parameter(Name=self._name)
