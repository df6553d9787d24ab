"""`ddb-migration start`."""

from __future__ import annotations

import pytest

from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.migrations import find_migration
from ddb_migration_construct.cli.start import start_execution
from tests.cli.fakes import FakeStates


def test_a_migration_starts_with_an_empty_object() -> None:
    states = FakeStates("Orders/Migration")
    execution = start_execution(states, find_migration(states, "Orders/Migration"))
    assert [one["executionArn"] for one in states.executions] == [execution]


def test_a_stopped_migration_starts_again() -> None:
    states = FakeStates("Orders/Migration")
    states.executions.append({"executionArn": "first", "status": "FAILED"})
    start_execution(states, find_migration(states, "Orders/Migration"))
    assert [one["status"] for one in states.executions] == ["FAILED", "RUNNING"]


def test_fails_while_an_execution_runs() -> None:
    states = FakeStates("Orders/Migration")
    start_execution(states, find_migration(states, "Orders/Migration"))
    with pytest.raises(CommandFailed, match="is running already: .* ddb-migration status Orders"):
        start_execution(states, find_migration(states, "Orders/Migration"))
    assert len(states.executions) == 1
