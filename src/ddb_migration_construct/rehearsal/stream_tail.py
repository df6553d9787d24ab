"""The newest change of each key, read straight from the source's stream."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from ddb_migration_construct.rehearsal.canonical import canonical

# An open shard never says that it has ended; this many pages in a row without a record are taken for its end.
_EMPTY_PAGES = 2


class StreamTail:
    """Reads a stream from its oldest record on, again and again from where it stopped.

    `newest` holds the highest sequence number by canonical key, `records` the number of changes seen.
    """

    def __init__(self, streams: Any, stream_arn: str) -> None:
        self.newest: dict[Hashable, int] = {}
        self.records = 0
        self._streams = streams
        self._stream_arn = stream_arn
        self._iterators: dict[str, str | None] = {}

    def read_on(self) -> None:
        """Read what has come since the last time, shard by shard."""
        for shard in self._shards():
            if shard not in self._iterators:
                self._iterators[shard] = self._oldest(shard)
            self._read(shard)

    def _read(self, shard: str) -> None:
        empty = 0
        while (iterator := self._iterators[shard]) is not None and empty < _EMPTY_PAGES:
            answer = self._streams.get_records(ShardIterator=iterator)
            self._iterators[shard] = answer.get("NextShardIterator")
            empty = 0 if answer["Records"] else empty + 1
            for record in answer["Records"]:
                self._take(record["dynamodb"])

    def _take(self, change: Any) -> None:
        key, number = canonical(change["Keys"]), int(change["SequenceNumber"])
        self.newest[key] = max(number, self.newest.get(key, 0))
        self.records += 1

    def _shards(self) -> Iterator[str]:
        more: dict[str, str] = {}
        while True:
            answer = self._streams.describe_stream(StreamArn=self._stream_arn, **more)["StreamDescription"]
            yield from (shard["ShardId"] for shard in answer["Shards"])
            if "LastEvaluatedShardId" not in answer:
                return
            more = {"ExclusiveStartShardId": answer["LastEvaluatedShardId"]}

    def _oldest(self, shard: str) -> str:
        answer = self._streams.get_shard_iterator(
            StreamArn=self._stream_arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )
        return str(answer["ShardIterator"])
