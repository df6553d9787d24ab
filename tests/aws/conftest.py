"""The clients that contract tests run on: those of the fakes, and those of the embedded AWS."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from ddb_migration.aws import clients
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.rows import Rows
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.aws.deployed import Deployed
from tests.fakes.aws import FakeAws
from tests.fakes.making import create_control_table

_numbers = itertools.count(1)

Client = Callable[[str], Any]


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(tmp_path_factory.mktemp("embedded")) as aws:
        yield aws


@pytest.fixture(params=["fake", "embedded"])
def client(request: pytest.FixtureRequest) -> Client:
    """Clients by boto3's name of the service."""
    if request.param == "fake":
        return FakeAws().client
    aws: EmbeddedAws = request.getfixturevalue("embedded")
    return aws.client


@pytest.fixture
def fake() -> FakeAws:
    return FakeAws()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"test-{next(_numbers)}"


@pytest.fixture
def rows(client: Client, name: str) -> Rows:
    return Rows(client("dynamodb"), create_control_table(client("dynamodb"), f"{name}-control"))


@pytest.fixture
def control(client: Client, name: str) -> ControlTable:
    return ControlTable(client("dynamodb"), create_control_table(client("dynamodb"), f"{name}-control"))


@pytest.fixture
def deployed(embedded: EmbeddedAws, name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    """Clients that code makes for itself reach the embedded AWS in this test, and none before or after it."""
    _forget_clients()
    yield Deployed(embedded, name, monkeypatch)
    _forget_clients()


def _forget_clients() -> None:
    # A session keeps the credentials that it found first.
    boto3.setup_default_session()
    for made_once in (clients.client, clients.writer):
        made_once.cache_clear()
