"""The place of the end-to-end tests: the embedded AWS, or with `--real-aws` the account of the given credentials."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.conftest import GIVEN_ENVIRONMENT
from tests.e2e.places import Account, AccountAws, Embedded, Place

# Two jobs of four workers for some minutes each, at 0.44 USD a DPU hour; a minute is billed at least (Glue pricing).
# All else is below a tenth of that: some thousand requests, nine alarms and a dashboard for an hour.
MOST_USD = 2 * 4 * (10 / 60) * 0.44 * 1.2


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    name = f"DdbMigrationE2e{secrets.token_hex(4)}"
    if request.config.getoption("--real-aws"):
        yield account(name, tmp_path, request)
        return
    with EmbeddedAws(tmp_path / "aws") as aws:
        yield Embedded(aws, name, tmp_path / "assembly")


def account(name: str, work_dir: Path, request: pytest.FixtureRequest) -> Account:
    """Use the credentials with which the tests were started, and say what it costs before anything is created."""
    given = {variable: value for variable, value in GIVEN_ENVIRONMENT.items() if variable != "AWS_ENDPOINT_URL"}
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    for variable in [variable for variable in os.environ if variable.startswith("AWS_")]:
        patch.delenv(variable)
    for variable, value in given.items():
        patch.setenv(variable, value)
    session = boto3.Session()
    caller = session.client("sts").get_caller_identity()
    terminal = request.config.get_terminal_writer()
    terminal.line(
        f"\n{name}: account {caller['Account']}, Region {session.region_name}; about {MOST_USD:.2f} USD at the prices "
        "of us-east-1, and up to two hours; everything is destroyed at the end"
    )
    return Account(AccountAws(work_dir, session), name, given)
