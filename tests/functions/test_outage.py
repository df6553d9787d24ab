"""An outage of the destination: apply stands nearly still, says so, and goes on by itself."""

from __future__ import annotations

from typing import Any

import pytest

from ddb_migration.core.backoff import CAP_SECONDS
from ddb_migration.core.change import PUT
from ddb_migration.core.moments import utc
from ddb_migration.core.outage import OUTAGE_SECONDS, PROBE_SECONDS
from ddb_migration.core.send_batches import Entry
from enable_trigger import drain, enable_trigger, start_capture
from tests.fakes.client_errors import client_error
from tests.functions.migration import EXECUTION, Caller, Migration
from tests.functions.test_write_cdc import Applying

DOWN = client_error("PutItem", "ThrottlingException")


class Outage:
    """WriteCdc before a destination that can be switched off."""

    def __init__(self, migration: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
        self.migration = migration
        self.applying = Applying(migration)
        self.is_down = True
        self.tried: list[str] = []
        put = migration.aws.dynamodb.put_item

        def put_item(**request: Any) -> Any:
            if request["TableName"] == migration.destination:
                self.tried.append(request["Item"]["pk"]["S"])
                if self.is_down:
                    raise DOWN
            return put(**request)

        monkeypatch.setattr(migration.aws.dynamodb, "put_item", put_item)

    def last(self, seconds: float) -> None:
        """Let some time pass, with whatever is tried in it."""
        until = self.migration.clock() + seconds
        while self.migration.clock() < until:
            self.applying.run()
            self.migration.clock.sleep(5)

    @property
    def puts(self) -> int:
        """How often a write was tried."""
        return len(self.tried)

    @property
    def since(self) -> float | None:
        return self.migration.control.read().apply_failing_since


@pytest.fixture
def outage(migration: Migration, monkeypatch: pytest.MonkeyPatch) -> Outage:
    return Outage(migration, monkeypatch)


def test_the_first_failure_is_recorded_with_its_code(outage: Outage) -> None:
    outage.applying.change(PUT, "a", 1)
    outage.applying.run()
    began = outage.since
    assert began is not None
    assert outage.migration.control.read().apply_failure == "ThrottlingException"
    outage.migration.clock.sleep(31)
    outage.applying.run()
    assert outage.since == began


def test_one_success_among_failures_is_no_outage(outage: Outage) -> None:
    outage.applying.change(PUT, "a", 1)
    outage.applying.run()
    outage.is_down = False
    outage.applying.change(PUT, "b", 2)
    outage.applying.run()
    record = outage.migration.control.read()
    assert (record.apply_failing_since, record.apply_failure) == (None, None)


def test_a_message_that_cannot_be_read_says_nothing_of_the_destination(outage: Outage) -> None:
    outage.applying.send("a", "no message of ours")
    assert outage.applying.run() == ["no message of ours"]
    assert outage.since is None


def test_what_is_stale_says_nothing_of_the_destination(outage: Outage) -> None:
    outage.is_down = False
    outage.applying.change(PUT, "a", 9)
    outage.applying.run()
    outage.is_down = True
    outage.applying.change(PUT, "b", 1)
    outage.applying.run()
    outage.applying.change(PUT, "a", 8)
    outage.applying.run()
    assert outage.since is not None


def test_in_an_outage_one_group_of_a_batch_is_tried_and_briefly(outage: Outage) -> None:
    for number in range(10):
        outage.applying.change(PUT, f"k{number}", number)
    outage.last(OUTAGE_SECONDS)
    outage.migration.clock.sleep(700)
    assert outage.migration.queue.depth() == 10
    before, began = outage.puts, outage.migration.clock()
    assert len(outage.applying.run()) == 10
    # A last wait between two tries may begin just before the end.
    assert outage.migration.clock() - began <= PROBE_SECONDS + CAP_SECONDS
    assert outage.puts > before
    assert len(set(outage.tried[before:])) == 1


def test_what_fails_in_an_outage_comes_back_late(outage: Outage) -> None:
    outage.applying.change(PUT, "a", 1)
    outage.last(OUTAGE_SECONDS)
    outage.migration.clock.sleep(700)
    before = outage.puts
    outage.applying.run()
    assert outage.puts > before
    tried = outage.puts
    outage.last(800)
    assert outage.puts == tried


def test_apply_goes_on_by_itself_with_the_whole_batch(outage: Outage) -> None:
    for number in range(5):
        outage.applying.change(PUT, f"k{number}", number)
    outage.last(OUTAGE_SECONDS)
    outage.migration.clock.sleep(1200)
    outage.is_down = False
    assert outage.applying.run() == []
    assert len(outage.applying.destination()) == 5
    assert outage.since is None


def test_drain_says_that_the_destination_takes_nothing(migration: Migration) -> None:
    migration.aws.states.status[EXECUTION] = "RUNNING"
    Caller(migration, start_capture.run).once()
    migration.control.set_once(EXECUTION, barrier_at=1)
    Caller(migration, enable_trigger.run).once()
    # A message of which no reader has told: the lag is unknown.
    migration.queue.send([Entry("1", "group", "id", "body")])
    since = migration.clock() - OUTAGE_SECONDS
    migration.control.note_apply_failing("ThrottlingException", since)
    told = Caller(migration, drain.run).once()["waiting_for"]
    assert told == f"the destination to take writes; since {utc(since)} it has taken none (ThrottlingException)"
