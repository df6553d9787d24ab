"""The environment of a function: the reverse path has the tables changed over, and no way back of its own."""

from __future__ import annotations

from ddb_migration import names
from ddb_migration.aws.environment import Environment

FORWARD = {
    names.SOURCE_TABLE: "old",
    names.DESTINATION_TABLE: "new",
    names.WRITE_CDC: "writer",
    names.CHANGE_QUEUE_URL: "queue",
}
BACK = {names.REVERSE_STREAM_PROCESSOR: "back-processor", names.REVERSE_WRITE_CDC: "back-writer"}


def test_without_a_way_back_there_is_none() -> None:
    assert Environment(FORWARD).reverse is None


def test_the_way_back_has_the_tables_changed_over_and_parts_of_its_own() -> None:
    back = Environment({**FORWARD, **BACK}).reverse
    assert back is not None
    assert back.is_reverse
    assert (back[names.SOURCE_TABLE], back[names.DESTINATION_TABLE]) == ("new", "old")
    assert (back[names.STREAM_PROCESSOR], back[names.WRITE_CDC]) == ("back-processor", "back-writer")


def test_the_way_back_has_no_way_back() -> None:
    back = Environment({**FORWARD, **BACK}).reverse
    assert back is not None
    assert back.reverse is None
