"""The last drain: when it is over, when it is given up, and what it reads to know."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration_construct.rehearsal.canonical import canonical
from ddb_migration_construct.rehearsal.last_drain import Moment, NotDrained, unsettled, wait_for_last_drain
from ddb_migration_construct.rehearsal.stream_tail import StreamTail
from ddb_migration_construct.rehearsal.watermarks import read_watermarks
from tests.rehearsal.fakes import FakeStream


class Path:
    """A path that shows the given moments, then the last one for ever; its clock moves with each sleep."""

    def __init__(self, *moments: Moment) -> None:
        self._moments = list(moments)
        self.now = 0.0

    def observe(self) -> Moment:
        return self._moments.pop(0) if len(self._moments) > 1 else self._moments[0]

    def wait(self) -> int:
        return wait_for_last_drain(self.observe, lambda _: None, clock=lambda: self.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


def test_it_ends_at_once_when_every_key_is_settled() -> None:
    path = Path(Moment(3, 10, -1), Moment(1, 12, -1), Moment(0, 13, 0))
    assert (path.wait(), path.now) == (0, 1.0)


def test_an_empty_queue_is_not_enough_while_keys_are_unsettled() -> None:
    path = Path(*[Moment(0, count, 5) for count in range(20)], Moment(0, 20, 0))
    assert (path.wait(), path.now) == (0, 10.0)


def test_it_tells_how_many_keys_stay_unsettled_when_nothing_moves() -> None:
    path = Path(Moment(3, 10, -1), Moment(0, 13, 2))
    assert path.wait() == 2
    assert 15 <= path.now < 17


def test_fails_when_messages_stay_and_nothing_moves() -> None:
    path = Path(Moment(3, 10, -1))
    with pytest.raises(NotDrained, match="still holds 3 messages, but nothing has moved for 240 s"):
        path.wait()


def test_slow_movement_is_waited_for() -> None:
    path = Path(*[Moment(3, count // 200, -1) for count in range(2000)], Moment(0, 0, 0))
    assert path.wait() == 0
    assert path.now > 900


@given(
    st.dictionaries(st.integers(0, 9), st.integers(1, 9)),
    st.dictionaries(st.integers(0, 9), st.integers(0, 9)),
)
def test_a_key_is_settled_by_a_watermark_at_or_above_its_newest_change(
    newest: dict[Any, int], watermarks: dict[Any, int]
) -> None:
    settled = [key for key, number in newest.items() if key in watermarks and watermarks[key] >= number]
    assert unsettled(newest, watermarks) == len(newest) - len(settled)


def key(number: int) -> dict[str, Any]:
    return {"hash": {"N": str(number)}, "range": {"B": b"\x00"}}


def test_the_tail_reads_every_shard_to_its_end_and_then_on() -> None:
    stream = FakeStream({"a": [(key(1), 5), (key(2), 6)], "b": [(key(1), 30)], "c": []})
    tail = StreamTail(stream, "arn:stream")
    tail.read_on()
    assert tail.newest == {canonical(key(1)): 30, canonical(key(2)): 6}
    stream.shards["c"].append((key(2), 31))
    tail.read_on()
    assert (tail.newest[canonical(key(2))], tail.records) == (31, 4)


class Rows:
    """A control table whose scan gives these rows."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self._rows = rows

    def get_paginator(self, _: str) -> Rows:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield from ({"Items": [row]} for row in self._rows)


def watermark(number: str | None, written: str = "1E+1") -> dict[str, Any]:
    parts = [["hash", "N", written], ["range", "B", base64.b64encode(b"\x00").decode()]]
    row = {"item_key": {"S": json.dumps(parts)}}
    return row if number is None else {**row, "number": {"S": number}}


def test_watermarks_are_read_by_key_whatever_the_number_looks_like() -> None:
    found = read_watermarks(Rows(watermark("0000000000000000000000000000000000000042")), "control")
    assert found == {canonical(key(10)): 42}


def test_a_reread_settles_its_change() -> None:
    assert read_watermarks(Rows(watermark("0042+")), "control") == {canonical(key(10)): 42}


def test_a_key_parked_by_the_bulk_load_settles_no_change() -> None:
    assert read_watermarks(Rows(watermark(None)), "control") == {canonical(key(10)): 0}
