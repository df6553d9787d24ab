from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from ddb_migration.aws.bulk_books import Books, Saved
from ddb_migration.aws.bulk_engine import Engine
from ddb_migration.aws.bulk_gate import FRESH_SECONDS, Gate
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.item_key import canonical_key, key_of, watermark_id
from ddb_migration.core.item_text import parsed
from ddb_migration.core.mixing import BATCH_ITEMS as BATCH
from tests.aws.conftest import Client
from tests.bulk.memory import MemoryReader
from tests.fakes.aws import FakeAws
from tests.fakes.bulk_port import FakePort
from tests.fakes.client_errors import client_error
from tests.fakes.clock import Clock
from tests.fakes.dynamodb import items_of
from tests.fakes.making import create_control_table, create_table

EXECUTION = "arn:execution"
INDEX = {
    "IndexName": "by-city",
    "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}


class Writing:
    """An engine that fills a destination whose index refuses items with a numeric `city`."""

    def __init__(self, client: Client, name: str) -> None:
        self.clock = Clock()
        dynamodb = client("dynamodb")
        self.control = ControlTable(dynamodb, create_control_table(dynamodb, f"{name}-control"))
        self.control.open_epoch("e1", EXECUTION, "arn:stream", 0.0)
        self.table = create_table(
            dynamodb,
            name,
            ("pk", "B"),
            definitions=[{"AttributeName": "city", "AttributeType": "S"}],
            GlobalSecondaryIndexes=[INDEX],
        )
        self.watermarks = Watermarks(self.control.rows, "arn:stream", self.clock)
        self._dynamodb = dynamodb

    def write(self, items: list[dict[str, Any]]) -> int:
        """Write items as one unit and return how many are rejected."""
        port = FakePort(self.clock, self._dynamodb, "", self.table, ("pk",))
        engines: list[Engine] = []
        books = Books(lambda unit: Saved(), lambda unit, saved: None, self._park)

        def start(port: Any, finished: Callable[[Exception | None], None]) -> None:
            gate = Gate(port, self.control.read, "e1", 1)
            reader = MemoryReader(port, {"unit": items})
            engines.append(Engine(port, reader, books, gate, [["unit"]], finished, lambda line: None))
            engines[0].start()

        port.run(start)
        assert engines[0].totals.items_written == len(items) - engines[0].totals.items_rejected
        return engines[0].totals.items_rejected

    def _park(self, text: bytes, error: Exception) -> None:
        self.watermarks.park(key_of(parsed(text), ("pk",)), "e1", f"{type(error).__name__}: {error}")

    def stored(self) -> set[bytes]:
        return {item["pk"]["B"] for item in items_of(self._dynamodb, self.table)}


@pytest.fixture
def writing(client: Client, name: str) -> Writing:
    return Writing(client, name)


@pytest.fixture
def faked(fake: FakeAws) -> Writing:
    return Writing(fake.client, "destination")


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"pk": {"B": b"\xff%d" % number}, **more}


def test_every_item_is_written(writing: Writing) -> None:
    items = [item(number) for number in range(2 * BATCH + 3)]
    assert writing.write(items) == 0
    assert writing.stored() == {one["pk"]["B"] for one in items}
    assert writing.write([]) == 0


@pytest.mark.parametrize("bad", [{0}, {24}, {7, 8}, {0, 12, 25, 30}, set(range(31))], ids=str)
def test_exactly_the_rejected_items_are_parked(writing: Writing, bad: set[int]) -> None:
    items = [item(number, **({"city": {"N": "1"}} if number in bad else {})) for number in range(31)]
    assert writing.write(items) == len(bad)
    assert writing.stored() == {item(number)["pk"]["B"] for number in range(31) if number not in bad}
    assert writing.control.parked("e1") == len(bad)


def test_a_parked_item_has_its_key_and_the_reason(writing: Writing) -> None:
    writing.write([{"pk": {"B": b"\x00\xff"}, "city": {"N": "1"}}])
    key = {"pk": {"B": "AP8="}}
    row = writing.control.rows.get(watermark_id("arn:stream", key), "watermark")
    assert row["item_key"] == canonical_key(key)
    assert "ValidationException" in row["parked_reason"]
    assert "number" not in row


def test_what_is_left_unprocessed_is_written_again(fake: FakeAws, faked: Writing) -> None:
    fake.dynamodb.most_puts = 4
    assert faked.write([item(number) for number in range(11)]) == 0
    assert len(faked.stored()) == 11
    assert fake.dynamodb.operations().count("BatchWriteItem") == 3


def test_items_that_come_back_are_sent_with_fresh_ones(fake: FakeAws, faked: Writing) -> None:
    fake.dynamodb.most_puts = 24
    assert faked.write([item(number) for number in range(250)]) == 0
    assert len(faked.stored()) == 250
    assert fake.dynamodb.operations().count("BatchWriteItem") <= 14


@pytest.mark.parametrize(
    "error",
    [
        client_error("BatchWriteItem", "ProvisionedThroughputExceededException"),
        client_error("BatchWriteItem", "ThrottlingException"),
        client_error("BatchWriteItem", "Whatever", status=500),
        ConnectTimeoutError(endpoint_url="endpoint"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_transient_failure_is_repeated(fake: FakeAws, faked: Writing, error: Exception) -> None:
    fake.dynamodb.fail("BatchWriteItem", error, error)
    assert faked.write([item(1)]) == 0
    assert faked.stored() == {item(1)["pk"]["B"]}
    assert faked.control.parked("e1") == 0


def test_two_items_of_one_key_are_written_apart(writing: Writing) -> None:
    """DynamoDB refuses a batch that holds a key twice; no source should yield one, and if it does nothing is parked."""
    assert writing.write([item(1), item(2), item(1), item(3)]) == 0
    assert writing.stored() == {item(number)["pk"]["B"] for number in (1, 2, 3)}
    assert writing.control.parked("e1") == 0


def test_a_request_too_large_for_the_wire_is_halved(fake: FakeAws, faked: Writing) -> None:
    fake.dynamodb.fail("BatchWriteItem", client_error("BatchWriteItem", "413", status=413))
    assert faked.write([item(number) for number in range(4)]) == 0
    assert len(faked.stored()) == 4


def test_an_error_about_the_table_ends_the_run(fake: FakeAws, faked: Writing) -> None:
    fake.dynamodb.fail("BatchWriteItem", client_error("BatchWriteItem", "AccessDeniedException"))
    with pytest.raises(ClientError, match="AccessDenied"):
        faked.write([item(1)])
    assert faked.control.parked("e1") == 0


def _at_barrier(writing: Writing) -> Callable[[], object]:
    def reach() -> None:
        writing.clock.sleep(FRESH_SECONDS)
        writing.control.set_once(EXECUTION, apply_started=1)

    return reach


def test_no_call_follows_the_barrier(fake: FakeAws, faked: Writing) -> None:
    fake.dynamodb.before("BatchWriteItem", _at_barrier(faked), when=2)
    with pytest.raises(MigrationStopped, match="no bulk write may follow"):
        faked.write([item(number) for number in range(40 * BATCH)])
    # The calls that were under way when the barrier was reached have ended, and no other was begun.
    assert 2 <= fake.dynamodb.operations().count("BatchWriteItem") <= 6


def test_a_repeated_call_asks_again(fake: FakeAws, faked: Writing) -> None:
    fake.dynamodb.most_puts = 1
    fake.dynamodb.before("BatchWriteItem", _at_barrier(faked))
    with pytest.raises(MigrationStopped):
        faked.write([item(number) for number in range(5)])
    assert len(faked.stored()) == 1


@pytest.mark.parametrize("ending", ["abort", "another epoch", "tombstone"])
def test_no_call_follows_the_end_of_the_epoch(faked: Writing, ending: str) -> None:
    faked.write([item(1)])
    faked.clock.sleep(FRESH_SECONDS)
    if ending == "tombstone":
        faked.control.bury()
    else:
        faked.control.begin_abort(str(faked.control.read().epoch))
    if ending == "another epoch":
        faked.control.close(str(faked.control.read().epoch))
        faked.control.open_epoch("e2", EXECUTION, "arn:stream", 0.0, "e1")
    with pytest.raises(MigrationStopped):
        faked.write([item(2)])
    assert len(faked.stored()) == 1


def test_the_record_is_read_again_before_it_is_two_seconds_old(fake: FakeAws, faked: Writing) -> None:
    fake.dynamodb.most_puts = 1
    began, reads = faked.clock(), fake.dynamodb.operations().count("GetItem")
    faked.write([item(number) for number in range(100)])
    seconds = faked.clock() - began
    assert seconds > 3
    assert seconds / FRESH_SECONDS < fake.dynamodb.operations().count("GetItem") - reads < seconds + 3


def test_nothing_is_written_while_the_record_cannot_be_read(fake: FakeAws, faked: Writing) -> None:
    error = client_error("GetItem", "InternalServerError", status=500)
    fake.dynamodb.fail("GetItem", error, error, error)
    began = faked.clock()
    assert faked.write([item(1)]) == 0
    assert faked.clock() - began >= 3


def test_nothing_is_written_while_paused(fake: FakeAws, faked: Writing) -> None:
    faked.control.set_once(EXECUTION, paused=True)
    began = faked.clock()

    def go_on() -> None:
        if faked.clock() - began > 10:
            faked.control.rows.update("migration", "record", "REMOVE #paused", {})

    reads = fake.dynamodb.get_item

    def get_item(**request: Any) -> Any:
        go_on()
        return reads(**request)

    fake.dynamodb.get_item = get_item  # type: ignore[method-assign]  # a record that changes while it is read
    assert faked.write([item(1)]) == 0
    assert faked.clock() - began > 10
