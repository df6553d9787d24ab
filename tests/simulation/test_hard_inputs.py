"""The inputs that break migrations elsewhere, through the real code from stream to destination."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from ddb_migration.aws.progress import Progress
from ddb_migration.core.item_key import message_group
from ddb_migration.core.message import encode_reread
from tests.simulation.database import REJECTED
from tests.simulation.scripted import Script

KEY = {"pk": {"S": "customer-1"}, "sk": {"N": "1"}}
OTHER = {"pk": {"S": "customer-2"}, "sk": {"N": "2"}}
# DynamoDB Developer Guide, quotas: an item has at most 400 KB, names included.
ITEM_BYTES = 400_000
DRAWS = random.Random(7)

Story = Callable[[Script], None]


def played(story: Story, **options: Any) -> Script:
    script = Script(**options)
    script.play(story)
    return script


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": ""}
    for level in range(levels - 1):
        value = {"M": {"in": value}} if level % 2 else {"L": [value]}
    return value


LARGE = {
    "Cyrillic": {"S": "".join(DRAWS.choices("абвгдежзиклмнопрстуфхцчшщыэюя", k=ITEM_BYTES // 2))},
    "control characters": {"S": "".join(map(chr, DRAWS.choices(range(1, 32), k=ITEM_BYTES)))},
    "emoji": {"S": "".join(map(chr, DRAWS.choices(range(0x1F300, 0x1F5FF), k=ITEM_BYTES // 4)))},
    "lists of booleans": {"L": [{"BOOL": draw < 0.5} for draw in (DRAWS.random() for _ in range(ITEM_BYTES))]},
    "binary": {"B": DRAWS.randbytes(ITEM_BYTES)},
}
STRANGE = {
    "empty string": {"S": ""},
    "empty binary": {"B": b""},
    "characters that SQS refuses": {"S": "\ufffe\uffff\x00\x0b"},
    "38 digits": {"N": "12345678901234567890123456789012345678"},
    "smallest number": {"N": "1E-130"},
    "number set": {"NS": ["1", "-0.00000000000000000001", "99999999999999999999999999999999999999"]},
    "binary set": {"BS": [b"", b"\x00\xff"]},
    "empty list and map": {"L": [{"M": {}}, {"L": []}]},
    "null": {"NULL": True},
    "32 levels": nested(32),
}


@pytest.mark.parametrize("value", [*LARGE.values(), *STRANGE.values()], ids=[*LARGE, *STRANGE])
def test_any_item_arrives_as_it_is(value: dict[str, Any]) -> None:
    def story(script: Script) -> None:
        script.put({**OTHER, "value": value})
        script.migrate()
        script.put({**KEY, "value": value})
        script.rest()
        assert not script.differences
        assert len(script.world.destination.items) == 2
        assert not script.parked

    played(story)


def test_an_item_that_fits_in_no_message_is_read_again() -> None:
    def story(script: Script) -> None:
        script.migrate()
        script.put({**KEY, "value": {"S": DRAWS.randbytes(50_000).hex()}})
        script.rest()
        assert not script.differences
        assert script.world.queue.longest < 1000

    script = Script()
    script.product.limit, script.product.compress_above = 20_000, 10_000
    script.play(story)


def test_a_stream_of_keys_alone() -> None:
    def story(script: Script) -> None:
        script.put({**OTHER, "value": {"S": "old"}})
        script.migrate()
        script.put({**KEY, "value": {"S": "new"}})
        script.delete(OTHER)
        script.rest()
        assert not script.differences
        assert list(script.world.destination.items.values()) == [{**KEY, "value": {"S": "new"}}]

    played(story, view="KEYS_ONLY")


def test_a_deletion_by_time_to_live_is_a_deletion() -> None:
    def story(script: Script) -> None:
        script.put({**KEY, "value": {"S": "session"}})
        script.migrate()
        assert len(script.world.destination.items) == 1
        script.world.source.by_time_to_live = True
        script.delete(KEY)
        script.rest()
        assert not script.world.destination.items

    played(story)


@pytest.mark.parametrize("pause", [0.0, 0.3, 2.5], ids=["at once", "within a second", "in batches of their own"])
@pytest.mark.parametrize("values", ["A-A", "ABA", "AB-A", "-A-", "ABCAB-"], ids=str)
def test_values_that_come_back(values: str, pause: float) -> None:
    def story(script: Script) -> None:
        script.migrate()
        for value in values:
            if value == "-":
                script.delete(KEY)
            else:
                script.put({**KEY, "value": {"S": value}})
            script.kernel.sleep(pause)
        script.rest()
        assert not script.differences

    played(story)


def hot_key(seconds: int, changes_per_second: int) -> Story:
    def story(script: Script) -> None:
        script.migrate()
        before = script.world.queue.enqueued
        for change in range(seconds * changes_per_second):
            script.put({**KEY, "value": {"N": str(change)}})
            script.kernel.sleep(1 / changes_per_second)
        took = script.rest()
        sent = script.world.queue.enqueued - before
        assert not script.differences
        # A batch of 1,000 records holds one message for the key, and takes two seconds to fill.
        assert sent <= seconds * changes_per_second / 1000 * 1.1 + 2
        assert took < 10, f"drained in {took} s"

    return story


def test_one_key_changes_500_times_a_second() -> None:
    played(hot_key(60, 500))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_one_key_changes_500_times_a_second_for_an_hour() -> None:
    played(hot_key(3600, 500), most_events=10_000_000)


def rejected(script: Script) -> None:
    """Migrate, with one item that the destination rejects in the bulk load and one in a change."""
    script.put({**KEY, "value": {"S": "wrong"}, REJECTED: {"BOOL": True}})
    script.migrate()
    script.put({**OTHER, "value": {"S": "wrong"}, REJECTED: {"BOOL": True}})
    for number in range(20):
        script.put({"pk": {"S": "customer-2"}, "sk": {"N": str(10 + number)}, "value": {"S": "right"}})
    script.rest()
    assert len(script.world.destination.items) == 20, "everything else goes on"
    assert script.parked == 2
    reasons = [row["parked_reason"]["S"] for row in script.world.control.items.values() if "parked_reason" in row]
    assert all("ValidationException" in reason for reason in reasons)


def test_a_parked_key_is_settled_by_a_newer_change() -> None:
    def story(script: Script) -> None:
        rejected(script)
        for key in (KEY, OTHER):
            script.put({**key, "value": {"S": "right"}})
        script.rest()
        assert not script.parked
        assert not script.differences

    played(story)


def test_a_parked_key_is_settled_by_a_reread() -> None:
    def story(script: Script) -> None:
        rejected(script)
        script.world.database.rejected = "nothing any more"
        for key in (KEY, OTHER):
            script.world.queue.send(message_group(key), "by hand", encode_reread(script.epoch, key))
        script.rest()
        assert not script.parked
        assert not script.differences

    played(story)


def test_a_parked_key_is_settled_by_name() -> None:
    def story(script: Script) -> None:
        rejected(script)
        for key in (KEY, OTHER):
            assert script.watermarks.accept(key, script.epoch, "the team deletes it", "somebody")
        assert not script.parked
        assert len(script.differences) == 2, "accepted as it is"

    played(story)


def test_progress_counts_what_was_done() -> None:
    def story(script: Script) -> None:
        rejected(script)
        totals = Progress(script.product.control.rows, script.epoch).totals()
        assert totals["captured"] == 22
        # The stream still holds the first item's put, so it is rejected a second time.
        assert totals["parked"] == 2
        assert totals["applied"] >= 20

    played(story)
