"""Event source mappings of DynamoDB streams.

What differs from AWS: no filters, no MaximumRecordAgeInSeconds, no on-failure destination (records are dropped
once MaximumRetryAttempts is exhausted), one batch per shard at a time (ParallelizationFactor 1).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .event_records import stream_event_record
from .faults import Faults
from .poller import Poller, parts_within_payload

_IDLE_SECONDS = 0.1
_GET_RECORDS_LIMIT = 1000
_SHARDS_SECONDS = 5.0
# Batching windows are shortened, but less than waits are: each batch costs an invocation, on one machine.
_WINDOW_SCALE = 0.1
_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 3.0


@dataclass
class StreamPosition:
    """How far a mapping has come in its stream; it outlives disabling and enabling."""

    done: dict[str, str] = field(default_factory=dict)
    iterators: dict[str, str | None] = field(default_factory=dict)

    def forget_iterators(self) -> None:
        """Drop iterators whose place is known by a sequence number, since they expire."""
        for shard in self.done:
            self.iterators.pop(shard, None)


class StreamPoller(Poller):
    """Takes each shard's records in order, and never goes past one that has not succeeded."""

    def __init__(self, mapping: dict[str, Any], faults: Faults, position: StreamPosition) -> None:
        super().__init__(mapping, faults)
        self._position = position
        self._window = (mapping.get("MaximumBatchingWindowInSeconds") or 0) * _WINDOW_SCALE

    def poll(self) -> None:
        """Read the stream's shards for a while."""
        self._position.forget_iterators()
        streams = self.clients["dynamodbstreams"]
        shards = list(self._shards(streams))
        until = time.monotonic() + _SHARDS_SECONDS
        while not self.stopping.is_set() and time.monotonic() < until:
            if not any(self._poll_shard(streams, shard) for shard in shards):
                self.stopping.wait(_IDLE_SECONDS)

    def _shards(self, streams: Any) -> Iterator[str]:
        start: dict[str, str] = {}
        while True:
            stream = streams.describe_stream(StreamArn=self.mapping["EventSourceArn"], **start)
            description = stream["StreamDescription"]
            yield from (shard["ShardId"] for shard in description["Shards"])
            if not description.get("LastEvaluatedShardId"):
                return
            start = {"ExclusiveStartShardId": description["LastEvaluatedShardId"]}

    def _iterator(self, streams: Any, shard: str) -> str | None:
        if shard in self._position.iterators:
            return self._position.iterators[shard]
        place: dict[str, str] = {"ShardIteratorType": self.mapping.get("StartingPosition") or "TRIM_HORIZON"}
        if shard in self._position.done:
            place = {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "SequenceNumber": self._position.done[shard],
            }
        asked = streams.get_shard_iterator(StreamArn=self.mapping["EventSourceArn"], ShardId=shard, **place)
        self._position.iterators[shard] = asked["ShardIterator"]
        return self._position.iterators[shard]

    def _poll_shard(self, streams: Any, shard: str) -> bool:
        """Process one batch of the shard; false if there was nothing."""
        records, after = self._gather(streams, self._iterator(streams, shard))
        finished = False
        try:
            finished = all(self._process(shard, part) for part in parts_within_payload(records) if part)
        finally:
            if finished:
                self._position.iterators[shard] = after
            else:
                self._position.forget_iterators()
        return bool(records)

    def _gather(self, streams: Any, iterator: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Collect a batch: until BatchSize, or until the batching window has passed since the first record."""
        batch: list[dict[str, Any]] = []
        size = self.mapping.get("BatchSize") or 100
        until = None
        while iterator is not None:
            limit = min(size - len(batch), _GET_RECORDS_LIMIT)
            page = streams.get_records(ShardIterator=iterator, Limit=limit)
            iterator = page.get("NextShardIterator")
            batch += [stream_event_record(record, self.mapping["EventSourceArn"]) for record in page["Records"]]
            if batch and until is None:
                until = time.monotonic() + self._window
            if until is None or len(batch) >= size or time.monotonic() >= until or self.stopping.is_set():
                break
            self.stopping.wait(min(_IDLE_SECONDS, self._window))
        return batch, iterator

    def _process(self, shard: str, records: list[dict[str, Any]]) -> bool:
        """Invoke until all records have succeeded or are dropped; false if told to stop before."""
        pending = [records]
        attempts = 0
        while pending and not self.stopping.is_set():
            batch = pending.pop(0)
            outcome = self.invoke(batch)
            rest = _from_lowest(batch, outcome.reported) if not outcome.failed else batch
            if len(rest) < len(batch):
                self._position.done[shard] = _number(batch[len(batch) - len(rest) - 1])
                attempts = 0
            if not rest:
                continue
            attempts += 1
            if self._exhausted(attempts):
                print(f"{len(rest)} records dropped by {self.function_name}", file=sys.stderr)
                self._position.done[shard] = _number(rest[-1])
                attempts = 0
                continue
            pending = [*self._bisected(rest, outcome.failed), *pending]
            self.stopping.wait(min(_FIRST_BACKOFF_SECONDS * 2**attempts, _LONGEST_BACKOFF_SECONDS))
        return not pending

    def _exhausted(self, attempts: int) -> bool:
        limit = self.mapping.get("MaximumRetryAttempts")
        return limit is not None and 0 <= limit < attempts

    def _bisected(self, batch: list[dict[str, Any]], failed: bool) -> list[list[dict[str, Any]]]:
        if not (failed and self.mapping.get("BisectBatchOnFunctionError") and len(batch) > 1):
            return [batch]
        middle = len(batch) // 2
        return [batch[:middle], batch[middle:]]


def _number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def _from_lowest(batch: list[dict[str, Any]], reported: frozenset[str]) -> list[dict[str, Any]]:
    """The records from the lowest number reported as failed; none if nothing was reported."""
    for index, record in enumerate(batch):
        if _number(record) in reported:
            return batch[index:]
    return []
