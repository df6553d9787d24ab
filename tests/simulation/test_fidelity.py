"""The simulated services behave as AWS documents: reference, AWS's guides; and as the construct sets them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from ddb_migration_construct import change_queue, definition
from tests.simulation import executions, expressions
from tests.simulation.faults import Faults
from tests.simulation.kernel import Kernel
from tests.simulation.queue import Message, Queue
from tests.simulation.stream import Shard, Stream
from tests.simulation.stream_mapping import StreamMapping
from tests.simulation.world import World


@pytest.fixture
def kernel() -> Kernel:
    return Kernel(1000.0, 10_000)


def queue_of(kernel: Kernel, **options: Any) -> Queue:
    return Queue(kernel, "arn:aws:sqs:::queue.fifo", **options)


def bodies(messages: list[Message]) -> list[str]:
    return [message.body for message in messages]


def test_a_group_gives_nothing_while_one_of_it_is_in_flight(kernel: Kernel) -> None:
    queue = queue_of(kernel)
    for number, group in enumerate("aab"):
        queue.send(group, str(number), f"{group}{number}")
    assert bodies(queue.receive(1)) == ["a0"]
    assert bodies(queue.receive(10)) == ["b2"]
    kernel.now += 181
    assert bodies(queue.receive(10)) == ["a0", "a1", "b2"], "in their order, each again"


def test_a_deduplication_id_is_remembered_for_five_minutes_even_when_deleted(kernel: Kernel) -> None:
    queue = queue_of(kernel)
    assert queue.send("a", "1", "first")
    (message,) = queue.receive(1)
    queue.delete(message, message.receipt)
    assert not queue.send("a", "1", "again")
    assert queue.send("b", "1", "another group")
    kernel.now += 301
    assert queue.send("a", "1", "later")


def test_a_receipt_that_has_run_out_deletes_nothing(kernel: Kernel) -> None:
    queue = queue_of(kernel)
    queue.send("a", "1", "one")
    (message,) = queue.receive(1)
    kernel.now += 200
    queue.delete(message, message.receipt)
    assert bodies(queue.receive(1)) == ["one"]


def test_a_dead_letter_lets_the_next_of_its_group_pass(kernel: Kernel) -> None:
    dead = queue_of(kernel)
    queue = queue_of(kernel, most_receives=2, dead_letters=dead)
    queue.send("a", "1", "first")
    queue.send("a", "2", "second")
    for _ in range(2):
        queue.receive(1)
        kernel.now += 181
    assert bodies(queue.receive(10)) == ["second"]
    assert bodies(list(dead.messages.values())) == ["first"]


def test_the_look_ahead_bounds_what_is_in_flight_and_found(kernel: Kernel) -> None:
    queue = queue_of(kernel, look_ahead=2)
    for number, group in enumerate("aabc"):
        queue.send(group, str(number), f"{group}{number}")
    assert bodies(queue.receive(1)) == ["a0"]
    assert not queue.receive(10), "a1 waits for a0, and what lies behind is not seen"


def test_messages_expire(kernel: Kernel) -> None:
    queue = queue_of(kernel, retention=60.0)
    queue.send("a", "1", "old")
    kernel.now += 61
    assert not queue.receive(10)
    assert bodies(queue.expired) == ["old"]


def stream_of(kernel: Kernel) -> Stream:
    return Stream("arn:stream", "NEW_IMAGE", 10**21, random.Random(1))


def test_a_shard_splits_and_its_children_follow_it(kernel: Kernel) -> None:
    stream = stream_of(kernel)
    first = stream.append(5, kernel.now, "INSERT", {}, {}, False)
    stream.split()
    second = stream.append(5, kernel.now, "MODIFY", {}, {}, False)
    parent, child = stream.shards[0], stream.shards[1]
    assert parent.closed
    assert child.parent is parent
    assert [record["dynamodb"]["SequenceNumber"] for record in child.records] == [second]
    assert int(first) < int(second)


def test_records_are_trimmed_after_a_day() -> None:
    shard = Shard("shard", 0, 1, None)
    shard.records, shard.moments = [{}, {}], [0.0, 3600.0]
    shard.trim(24 * 3600.0 + 1)
    assert shard.base == 1
    assert shard.end == 2
    assert len(shard.slice(0, 2)) == 1


def test_a_partial_response_is_the_batch_s_checkpoint() -> None:
    """Lambda retries from the lowest number that failed, and what lies behind it."""
    world = World(Faults("fidelity", frozenset()))
    seen: list[list[str]] = []

    def handler(event: Any, context: Any) -> dict[str, Any]:
        seen.append([record["dynamodb"]["SequenceNumber"] for record in event["Records"]])
        failed = [{"itemIdentifier": seen[0][1]}] if len(seen) == 1 else []
        return {"batchItemFailures": failed}

    world.source.open_stream("NEW_IMAGE")
    stream = world.source.streams[0]
    for _ in range(3):
        stream.append(5, world.kernel.now, "INSERT", {}, {}, False)
    settings = {
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 1000,
        "MaximumBatchingWindowInSeconds": 2,
        "MaximumRetryAttempts": -1,
    }
    function = world.add("stream-processor", 60.0, handler)
    mapping = StreamMapping(world.kernel, world.faults, "uuid", function, stream, settings)
    mapping.enabled()
    world.kernel.run(world.kernel.spawn(lambda: world.kernel.wait(lambda: len(seen) == 2, 600.0)))
    assert seen[1] == seen[0][1:]


@pytest.mark.parametrize(
    ("text", "item", "holds"),
    [
        ("attribute_not_exists(#number) OR #number <= :number", {}, True),
        ("attribute_not_exists(#number) OR #number <= :number", {"number": {"S": "3"}}, False),
        ("#a = :x AND (attribute_not_exists(#b) OR #b = :y)", {"a": {"S": "x"}, "b": {"S": "y"}}, True),
        ("#a = :x AND (attribute_not_exists(#b) OR #b = :y)", {"a": {"S": "x"}, "b": {"S": "z"}}, False),
        ("#number < :ten", {"number": {"N": "9"}}, True),
    ],
)
def test_conditions(text: str, item: Any, holds: bool) -> None:
    values = {":number": {"S": "2"}, ":x": {"S": "x"}, ":y": {"S": "y"}, ":ten": {"N": "10"}}
    assert expressions.condition(text)(item, values) is holds


def test_updates() -> None:
    item: dict[str, Any] = {"old": {"S": "o"}, "count": {"N": "1"}}
    text = "SET #new = :new, #old = if_not_exists(#old, :new) REMOVE #gone ADD #count :one"
    expressions.update(text)(item, {":new": {"S": "n"}, ":one": {"N": "1"}})
    assert item == {"old": {"S": "o"}, "count": {"N": "2"}, "new": {"S": "n"}}


def test_the_queue_is_set_as_the_construct_sets_it() -> None:
    queue = Queue(Kernel(0.0, 1), "arn")
    assert queue.visibility == change_queue.VISIBILITY_SECONDS
    assert queue.most_receives == change_queue.MAX_RECEIVES
    assert queue.limit == change_queue.MESSAGE_BYTES


def test_the_state_machine_gives_up_where_the_construct_s_does() -> None:
    assert list(executions.FINAL_ERRORS) == definition.FINAL_ERRORS
    assert list(executions.FINAL_JOB_ERRORS) == definition.FINAL_JOB_ERRORS
    assert (executions.WINDOW_OVER, executions.ROLL_BACK_BEGUN) == (definition.WINDOW_OVER, definition.ROLL_BACK_BEGUN)
