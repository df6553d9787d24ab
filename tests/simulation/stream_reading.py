"""The simulated client of DynamoDB Streams: shards read directly, past Lambda."""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from tests.simulation.failures import refused
from tests.simulation.services import Calls
from tests.simulation.stream import Record, Shard, Stream


class StreamsClient:
    """The client `dynamodbstreams`; pages end early at times, and are empty at times.

    Behind some places lie empty pages, always as many for whoever begins there, which only an iterator gets past.
    """

    def __init__(self, streams: Callable[[], Iterable[Stream]], calls: Calls, clock: Callable[[], float]) -> None:
        self._streams = streams
        self._calls = calls
        self._clock = clock
        self._draws = calls.faults.draws("stream-pages")

    def describe_stream(self, StreamArn: str, ExclusiveStartShardId: str | None = None) -> dict[str, Any]:  # noqa: N803
        def effect() -> dict[str, Any]:
            shards = [shard for shard in self._stream(StreamArn).shards if not self._is_gone(shard)]
            return {"StreamDescription": {"Shards": [{"ShardId": shard.name} for shard in shards]}}

        return self._calls.make("DescribeStream", effect)

    def get_shard_iterator(
        self,
        StreamArn: str,  # noqa: N803
        ShardId: str,  # noqa: N803
        ShardIteratorType: str,  # noqa: N803
        SequenceNumber: str = "",  # noqa: N803
    ) -> dict[str, Any]:
        def effect() -> dict[str, Any]:
            shard = self._shard(StreamArn, ShardId)
            position = shard.base if ShardIteratorType == "TRIM_HORIZON" else self._behind(shard, SequenceNumber)
            return {"ShardIterator": f"{StreamArn}|{ShardId}|{position}|{_empty_pages(ShardId, position)}"}

        return self._calls.make("GetShardIterator", effect)

    def _behind(self, shard: Shard, number: str) -> int:
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in shard.records]
        if int(number) not in numbers:
            raise refused("TrimmedDataAccessException", "the records are gone", "GetShardIterator")
        return shard.base + numbers.index(int(number)) + 1

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("GetRecords", lambda: self._page(*ShardIterator.split("|")))

    def _page(self, arn: str, name: str, place: str, empty: str) -> dict[str, Any]:
        if int(empty):
            return {"Records": [], "NextShardIterator": f"{arn}|{name}|{place}|{int(empty) - 1}"}
        shard, position = self._shard(arn, name), int(place)
        if position < shard.base:
            raise refused("TrimmedDataAccessException", "the records are gone", "GetRecords")
        most = self._draws.choice((0, 1, 5, 1000, 1000, 1000, 1000, 1000))
        records = shard.slice(position, position + most)
        position += len(records)
        answer: dict[str, Any] = {"Records": [_read(record) for record in records]}
        if not (shard.closed and position >= shard.end):
            answer["NextShardIterator"] = f"{arn}|{name}|{position}|0"
        return answer

    def _shard(self, arn: str, name: str) -> Shard:
        for shard in self._stream(arn).shards:
            if shard.name == name:
                shard.trim(self._clock())
                return shard
        raise refused("ResourceNotFoundException", "no such shard", "GetShardIterator")

    def _stream(self, arn: str) -> Stream:
        for stream in self._streams():
            if stream.arn == arn:
                return stream
        raise refused("ResourceNotFoundException", "no such stream", "DescribeStream")

    def _is_gone(self, shard: Shard) -> bool:
        shard.trim(self._clock())
        return shard.closed and not shard.records


def _empty_pages(shard: str, position: int) -> int:
    """Return how many empty pages lie behind a place: none as a rule, up to nine behind one in four."""
    drawn = zlib.crc32(f"{shard}|{position}".encode())
    return drawn // 4 % 9 + 1 if drawn % 4 == 0 else 0


def _read(record: Record) -> dict[str, Any]:
    """Return a record as the Streams API gives it."""
    body = record["dynamodb"]
    moment = datetime.datetime.fromtimestamp(body["ApproximateCreationDateTime"], datetime.timezone.utc)
    return {**record, "dynamodb": {**body, "ApproximateCreationDateTime": moment}}
