"""Clients of the destination: our own, or in another Region or account those of a role that is assumed there.

This is the only place that makes them. Without a role the destination is called by its ARN, which takes a resource
policy where it belongs to another account.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import DeferredRefreshableCredentials, create_assume_role_refresher

from ddb_migration.aws.clients import ATTEMPTS, client, config, writer
from ddb_migration.core.place import Place
from ddb_migration.names import NO_ROLE

SESSION_NAME = "ddb-migration"
# IAM User Guide, "Role chaining": a role that was assumed by a role lasts an hour at most, whatever it permits.
SESSION_SECONDS = 3600
# A write may have to wait for new credentials, which WriteCdc's deadline does not see: with one attempt it begins
# so much later at the most, and has still ended before the function times out.
STS_CONNECT_SECONDS = 1
STS_READ_SECONDS = 2


@dataclass(frozen=True)
class DestinationAccess:
    """How one destination is called; `role` is the ARN of the role to assume, None to call as oneself."""

    table_arn: str
    role: str | None = None

    @classmethod
    def of(cls, table_arn: str, role: str | None) -> DestinationAccess:
        """Read what the construct gave: `NO_ROLE` is what a job is told where there is no role."""
        return cls(table_arn, None if role == NO_ROLE else role)

    def is_at(self, home: Place) -> bool:
        """Tell whether the destination is in this Region and account."""
        return Place.of(self.table_arn) == home

    def client(self) -> Any:
        """Return a DynamoDB client that retries by itself: for reads."""
        if self.role is None:
            return client("dynamodb")
        return _client(self, ATTEMPTS, ATTEMPTS)

    def writer(self) -> Any:
        """Return a DynamoDB client of exactly one attempt, whose credentials come within three seconds or fail."""
        return writer("dynamodb") if self.role is None else _client(self, 1, 1)

    def sender(self) -> Any:
        """Return a DynamoDB client of one attempt for the bulk transport, which gets credentials beside its calls."""
        return writer("dynamodb") if self.role is None else _client(self, 1, ATTEMPTS)


def assumed(sts: Any, role: str) -> Any:
    """Return botocore's credentials of a role, taken when they are first needed and renewed before they end."""
    request = {"RoleArn": role, "RoleSessionName": SESSION_NAME, "DurationSeconds": SESSION_SECONDS}
    return DeferredRefreshableCredentials(create_assume_role_refresher(sts, request), "destination-role")


class _Resolved:
    """What botocore asks a session's credentials of."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    def load_credentials(self) -> Any:
        return self._credentials


@functools.cache
def _client(access: DestinationAccess, attempts: int, sts_attempts: int) -> Any:
    session = botocore.session.get_session()
    session.register_component("credential_provider", _Resolved(assumed(_sts(sts_attempts), str(access.role))))
    region = Place.of(access.table_arn).region
    return boto3.Session(botocore_session=session).client("dynamodb", region_name=region, config=config(attempts))


def _sts(attempts: int) -> Any:
    # Of its own Region, because the token of the global endpoint does not hold in Regions that one opts in to.
    session = botocore.session.get_session()
    session.set_config_variable("sts_regional_endpoints", "regional")
    of_sts = Config(
        connect_timeout=STS_CONNECT_SECONDS,
        read_timeout=STS_READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return boto3.Session(botocore_session=session).client("sts", config=of_sts)
