from __future__ import annotations

from typing import Any

import pytest

from ddb_migration.aws.rows import Rows
from ddb_migration.aws.stream_tail import EMPTY_PAGES, ITERATOR_SECONDS, OwnWork, Standing, StreamTail
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.item_key import canonical_key
from ddb_migration.core.watermark import mark, mark_above
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.fakes.aws import FakeAws
from tests.fakes.client_errors import client_error
from tests.fakes.making import create_control_table, create_table

STREAM = "arn:stream"


class Tail:
    """A stream of the fakes, and the tail reader over it; `apply` does what WriteCdc does."""

    def __init__(self, fake: FakeAws) -> None:
        self.aws = fake
        self.rows = Rows(fake.dynamodb, create_control_table(fake.dynamodb, "control"))
        self.watermarks = Watermarks(self.rows, STREAM, fake.clock)
        self.streams = fake.dynamodbstreams
        self.own = OwnWork()
        self.standings: dict[tuple[str, str], Standing] = {}

    @property
    def tail(self) -> StreamTail:
        clock, standings = self.aws.clock, self.standings
        return StreamTail(self.streams, STREAM, self.rows, self.watermarks, map, clock, self.own, standings)

    def write(self, shard: str, key: str, applied: bool = True, expired: bool = False) -> str:
        number = self.streams.write(shard, key, expired)
        if applied:
            self.apply(key, number)
        return number

    def apply(self, key: str, number: str) -> None:
        self.watermarks.raise_to({"pk": {"S": key}}, mark(number))

    def read(self, seconds: float = 60.0) -> Any:
        return self.tail.read_on(seconds)


@pytest.fixture
def tail(fake: FakeAws) -> Tail:
    return Tail(fake)


def test_every_change_of_every_shard_must_have_been_applied(tail: Tail) -> None:
    for number in range(7):
        tail.write("a", f"k{number}")
    tail.write("b", "other")
    held = tail.write("c", "held back", applied=False)
    found = tail.read()
    assert (found.unapplied, found.is_applied) == (1, False)
    assert found.unapplied_since == tail.aws.clock()
    tail.apply("held back", held)
    assert tail.read().is_applied


def test_what_the_migration_wrote_before_the_cut_over_asks_for_no_watermark(tail: Tail) -> None:
    tail.write("a", "bulk loaded", applied=False)
    tail.aws.clock.sleep(60)
    tail.own = OwnWork(until=tail.aws.clock() - 30)
    mine = tail.write("a", "mine")
    found = tail.read()
    assert found.is_applied
    assert (found.written, found.keys) == (1, ({"pk": {"S": "mine"}},))
    assert tail.tail.newest() == [{"pk": {"S": "mine"}}]
    tail.write("a", "bulk loaded", applied=False)
    assert tail.read().unapplied == 1, "from the cut-over on its changes are the application's"
    assert mark(mine)


def test_a_change_about_the_cut_over_is_the_migrations_own_where_both_tables_agree(tail: Tail) -> None:
    agreeing = {canonical_key({"pk": {"S": key}}) for key in ("own", "late")}
    now = tail.aws.clock()
    tail.own = OwnWork(now - 5, now + 5, lambda keys: agreeing & set(keys))
    tail.write("a", "own", applied=False)
    tail.write("a", "the application's", applied=False)
    assert tail.read().unapplied == 1
    agreeing.add(canonical_key({"pk": {"S": "the application's"}}))
    assert tail.read().is_applied
    tail.aws.clock.sleep(5)
    tail.write("a", "late", applied=False)
    assert tail.read().unapplied == 1, "what is written later is the application's, and must be applied"


def test_a_key_on_several_pages_is_told_once(tail: Tail) -> None:
    for _ in range(6):
        tail.write("a", "hot")
    tail.write("b", "hot")
    found = tail.read()
    assert (found.written, found.keys) == (7, ({"pk": {"S": "hot"}},))


def test_what_was_applied_later_covers_what_came_before(tail: Tail) -> None:
    tail.write("a", "k", applied=False)
    tail.write("b", "k")
    assert tail.read().is_applied
    above = tail.write("b", "reread", applied=False)
    tail.watermarks.raise_to({"pk": {"S": "reread"}}, mark_above(above))
    assert tail.read().is_applied


def test_what_was_found_applied_is_not_read_again(tail: Tail) -> None:
    for number in range(5):
        tail.write("a", f"k{number}")
    assert tail.read().written == 5
    assert [key["pk"]["S"] for key in tail.tail.newest()] == ["k4"]
    again = tail.read()
    assert (again.written, again.is_applied) == (0, True)
    tail.write("a", "new")
    assert tail.read().written == 1


def test_an_unapplied_change_stays_in_sight(tail: Tail) -> None:
    tail.write("a", "k1")
    tail.write("a", "k2")
    held = tail.write("a", "held", applied=False)
    for number in range(3, 6):
        tail.write("a", f"k{number}")
    assert not tail.read().is_applied
    assert not tail.read().is_applied
    tail.apply("held", held)
    assert tail.read().is_applied


def test_a_closed_shard_is_read_to_its_end_once(tail: Tail) -> None:
    tail.write("a", "k1")
    tail.write("b", "k2")
    tail.streams.closed = {"a"}
    assert tail.read().is_applied
    tail.streams.calls.clear()
    assert tail.read().is_applied
    pages = [request for operation, request in tail.streams.calls if operation == "GetRecords"]
    assert {page["ShardIterator"].split()[0] for page in pages} == {"b"}


def test_expiry_is_no_write_but_must_have_been_applied_too(tail: Tail) -> None:
    number = tail.write("a", "expired", applied=False, expired=True)
    found = tail.read()
    assert (found.written, found.unapplied) == (0, 1)
    tail.apply("expired", number)
    found = tail.read()
    assert (found.written, found.is_applied) == (0, True)


def test_a_pass_that_runs_out_of_time_is_not_at_the_end_and_goes_on_later(tail: Tail) -> None:
    tail.streams.read = lambda: tail.aws.clock.sleep(1.0)
    for number in range(9):
        tail.write("a", f"k{number}")
    assert not tail.read(seconds=1).is_applied
    passes = 1
    while (found := tail.read(seconds=1)).written:
        assert not found.is_applied
        passes += 1
        assert passes < 20
    assert passes >= 4, "a page of two each"


def test_a_shard_is_not_begun_when_time_is_up(tail: Tail) -> None:
    tail.streams.read = lambda: tail.aws.clock.sleep(1.0)
    for shard in "abcdefgh":
        tail.write(shard, shard)
    tail.streams.calls.clear()
    found = tail.read(seconds=3)
    assert (found.is_applied, found.in_time) == (False, False)
    begun = [request["ShardId"] for operation, request in tail.streams.calls if operation == "GetShardIterator"]
    assert begun == ["a"]


@pytest.mark.parametrize("empty", [1, EMPTY_PAGES - 1])
def test_empty_pages_are_not_the_end(tail: Tail, empty: int) -> None:
    tail.write("a", "before")
    tail.read()
    tail.streams.empty_pages, tail.standings = empty, {}
    tail.write("a", "held back", applied=False)
    assert tail.read().unapplied == 1
    assert tail.read().unapplied == 1, "and it stays in sight"


def test_each_pass_goes_on_behind_the_empty_pages_of_the_last(tail: Tail) -> None:
    tail.streams.empty_pages = 2 * EMPTY_PAGES
    tail.write("a", "held back", applied=False)
    assert tail.read().is_applied, "so many empty pages are taken for the end"
    passes = 1
    while not tail.read().unapplied:
        passes += 1
    assert passes <= EMPTY_PAGES


def test_an_iterator_that_is_too_old_is_not_used(tail: Tail) -> None:
    tail.write("a", "k1")
    tail.read()
    tail.aws.clock.sleep(ITERATOR_SECONDS)
    tail.streams.calls.clear()
    assert tail.read().is_applied
    assert "GetShardIterator" in [operation for operation, _ in tail.streams.calls]
    tail.streams.calls.clear()
    assert tail.read().is_applied
    assert [operation for operation, _ in tail.streams.calls].count("GetRecords") == 2
    assert "GetShardIterator" not in [operation for operation, _ in tail.streams.calls]


def test_an_iterator_that_has_expired_all_the_same_is_not_kept(tail: Tail) -> None:
    tail.write("a", "k1")
    tail.read()
    tail.streams.fail("GetRecords", client_error("GetRecords", "ExpiredIteratorException"))
    assert not tail.read().in_time
    assert tail.read().is_applied


def test_records_that_went_meanwhile_are_not_asked_for(tail: Tail) -> None:
    tail.write("a", "k1")
    tail.read()
    tail.streams.trimmed = {"a"}
    tail.write("a", "k2", applied=False)
    assert tail.read().unapplied == 1


def test_a_throttled_shard_is_not_at_its_end(tail: Tail) -> None:
    tail.write("a", "k1")
    tail.streams.fail("GetRecords", client_error("GetRecords", "LimitExceededException"))
    found = tail.read()
    assert (found.is_applied, found.in_time, found.written) == (False, False, 0)
    assert tail.read().is_applied
    tail.streams.fail("GetRecords", client_error("GetRecords", "AccessDeniedException", "no"))
    with pytest.raises(Exception, match="AccessDenied"):
        tail.read()


@pytest.mark.rehearsal
def test_the_tail_of_a_real_stream(embedded: EmbeddedAws, name: str) -> None:
    dynamodb = embedded.client("dynamodb")
    create_table(dynamodb, f"{name}-source", ("pk", "B"), stream="NEW_IMAGE")
    stream = dynamodb.describe_table(TableName=f"{name}-source")["Table"]["LatestStreamArn"]
    rows = Rows(dynamodb, create_control_table(dynamodb, f"{name}-control"))
    watermarks = Watermarks(rows, stream, lambda: 0.0)
    tail = StreamTail(embedded.client("dynamodbstreams"), stream, rows, watermarks, map, lambda: 0.0)
    assert tail.read_on(5).is_applied
    dynamodb.put_item(TableName=f"{name}-source", Item={"pk": {"B": b"\x00\xff"}})
    found = tail.read_on(5)
    assert (found.written, found.unapplied) == (1, 1)
    watermarks.raise_to({"pk": {"B": "AP8="}}, mark("9" * 40))
    assert tail.read_on(5).is_applied
