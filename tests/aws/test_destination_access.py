"""Clients of the destination: whose they are, where they call, and that their credentials are renewed in time."""

from __future__ import annotations

import datetime
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from ddb_migration import names
from ddb_migration.aws import clients, destination_access
from ddb_migration.aws.clients import CONNECT_SECONDS, READ_SECONDS
from ddb_migration.aws.destination_access import (
    SESSION_SECONDS,
    STS_CONNECT_SECONDS,
    STS_READ_SECONDS,
    DestinationAccess,
    assumed,
)
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.transport.endpoint import resolve
from ddb_migration.core.deadline import RESERVE_SECONDS
from tests.fakes.client_errors import client_error

TABLE = "arn:aws:dynamodb:eu-west-1:999999999999:table/orders"
ROLE = "arn:aws:iam::999999999999:role/destination"


class Sts:
    """Hands out one set of keys after the other, each good for `seconds`."""

    def __init__(self, seconds: float = SESSION_SECONDS) -> None:
        self.seconds = seconds
        self.requests: list[dict[str, Any]] = []
        self.is_denied = False

    def assume_role(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if self.is_denied:
            raise client_error("AssumeRole", "AccessDenied", "not authorized to perform: sts:AssumeRole")
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.seconds)
        number = len(self.requests)
        keys = {"AccessKeyId": f"KEY{number}", "SecretAccessKey": "secret", "SessionToken": f"token{number}"}
        return {"Credentials": {**keys, "Expiration": until}}


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sts]:
    """An STS in the place of AWS's, in a process with credentials and a Region of its own."""
    made = Sts()
    monkeypatch.setattr(destination_access, "_sts", lambda attempts: made)
    for name, value in (("ACCESS_KEY_ID", "OWN"), ("SECRET_ACCESS_KEY", "own"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    cached = (clients.client, clients.writer, destination_access._client)
    for made_once in cached:
        made_once.cache_clear()
    yield made
    for made_once in cached:
        made_once.cache_clear()


def test_keys_are_taken_when_they_are_needed_and_once_while_they_hold() -> None:
    sts = Sts()
    credentials = assumed(sts, ROLE)
    assert not sts.requests
    assert [credentials.get_frozen_credentials().access_key for _ in range(3)] == ["KEY1"] * 3
    assert sts.requests == [{"RoleArn": ROLE, "RoleSessionName": "ddb-migration", "DurationSeconds": 3600}]


def test_keys_are_renewed_before_they_end() -> None:
    sts = Sts(seconds=60)
    credentials = assumed(sts, ROLE)
    assert credentials.get_frozen_credentials().access_key == "KEY1"
    sts.seconds = SESSION_SECONDS
    assert credentials.get_frozen_credentials().access_key == "KEY2"
    assert credentials.get_frozen_credentials().token == "token2"


def test_keys_that_hold_a_while_yet_are_used_where_new_ones_are_not_to_be_had() -> None:
    sts = Sts(seconds=14 * 60)
    credentials = assumed(sts, ROLE)
    assert credentials.get_frozen_credentials().access_key == "KEY1"
    sts.is_denied = True
    assert credentials.get_frozen_credentials().access_key == "KEY1"
    assert len(sts.requests) == 2


def test_as_a_role_the_tables_own_region_is_called_with_the_roles_keys(sts: Sts) -> None:
    access = DestinationAccess(TABLE, ROLE)
    for client in (access.client(), access.writer(), access.sender()):
        endpoint = resolve(client, TABLE)
        assert "eu-west-1" in endpoint.url
        assert endpoint.region == "eu-west-1"
        assert endpoint.keys().access_key.startswith("KEY")
    assert access.client() is DestinationAccess(TABLE, ROLE).client()


def test_the_bulk_transport_signs_with_renewed_keys(sts: Sts) -> None:
    sts.seconds = 60
    endpoint = resolve(DestinationAccess(TABLE, ROLE).sender(), TABLE)
    first = endpoint.keys().access_key
    assert endpoint.keys().access_key != first


def test_without_a_role_the_clients_are_those_of_everything_else(sts: Sts) -> None:
    access = DestinationAccess.of(TABLE, names.NO_ROLE)
    assert access.client() is clients.client("dynamodb")
    assert access.writer() is access.sender() is clients.writer("dynamodb")
    assert access == DestinationAccess.of(TABLE, None)
    assert not sts.requests


def test_a_write_that_waits_for_keys_ends_before_the_function_does() -> None:
    assert STS_CONNECT_SECONDS + STS_READ_SECONDS + CONNECT_SECONDS + READ_SECONDS < RESERVE_SECONDS


def test_the_environment_says_how_the_destination_is_called() -> None:
    told = {names.DESTINATION_TABLE: TABLE, names.DESTINATION_ROLE: ROLE}
    assert Environment(told).destination == DestinationAccess(TABLE, ROLE)
    assert Environment({names.DESTINATION_TABLE: TABLE}).destination == DestinationAccess(TABLE)


def test_it_travels_to_the_tasks_of_a_job() -> None:
    access = DestinationAccess(TABLE, ROLE)
    assert pickle.loads(pickle.dumps(access)) == access
