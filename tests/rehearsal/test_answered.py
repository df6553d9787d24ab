"""What each key was answered last, and what of it a table does not hold."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.answered import Answered
from ddb_migration_construct.rehearsal.canonical import canonical

KEY = {"id": {"S": "a"}}
ITEM = {**KEY, "n": {"N": "1"}}
SAME = {**KEY, "n": {"N": "1.0"}}
OTHER = {**KEY, "n": {"N": "2"}}
PAST, FUTURE = {**KEY, "until": {"N": "1"}}, {**KEY, "until": {"N": str(time.time() + 3600)}}


def answered(*items: Any) -> Answered:
    found = Answered()
    for item in items:
        with found.writing(KEY) as note:
            note(item)
    return found


@pytest.mark.parametrize(
    ("writes", "held", "lost"),
    [
        ((), None, 0),
        ((), ITEM, 0),
        ((ITEM,), SAME, 0),
        ((ITEM,), OTHER, 1),
        ((ITEM,), None, 1),
        ((ITEM, None), None, 0),
        ((ITEM, None), ITEM, 1),
        ((OTHER, ITEM), ITEM, 0),
        ((PAST,), None, 0),
        ((FUTURE,), None, 1),
    ],
)
def test_a_key_is_lost_that_does_not_hold_its_newest_write(writes: Any, held: Any, lost: int) -> None:
    table = {canonical(KEY): held} if held is not None else {}
    assert answered(*writes).lost(table, "until") == lost


def test_without_time_to_live_nothing_expires() -> None:
    assert answered(PAST).lost({}) == 1


def test_a_write_that_was_refused_leaves_what_was_there() -> None:
    found = answered(ITEM)
    with found.writing(KEY):
        pass
    assert found.lost({canonical(KEY): ITEM}) == 0


def test_two_writes_of_one_key_never_overlap_and_those_of_others_do() -> None:
    found, entered = Answered(), threading.Event()

    def write() -> None:
        with found.writing(KEY) as note:
            entered.set()
            note(OTHER)

    with found.writing(KEY) as note:
        thread = threading.Thread(target=write)
        thread.start()
        assert not entered.wait(0.1)
        with found.writing({"id": {"S": "b"}}):
            note(ITEM)
    thread.join(5)
    assert found.lost({canonical(KEY): OTHER}) == 0
