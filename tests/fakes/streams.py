"""A stream's shards in memory, as the Streams API shows them: one stream, whose shards the test fills."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable
from typing import Any

from tests.fakes.client_errors import FakeClient, client_error

_numbers = itertools.count(100_000_000_000_000_000_001)


class FakeStreams(FakeClient):
    """Shards by id, each a list of records; `page_records` bounds a page, `closed` shards have an end.

    `trimmed` shards have lost what a position names. Whoever begins at a shard's place gets so many `empty_pages`
    before its records; an iterator goes on behind them. `read` is called for each page.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.now = now
        self.shards: dict[str, list[dict[str, Any]]] = {}
        self.closed: set[str] = set()
        self.trimmed: set[str] = set()
        self.page_records = 2
        self.empty_pages = 0
        self.read: Callable[[], object] = lambda: None

    def write(self, shard: str, key: str, expired: bool = False) -> str:
        """Let a shard show one more change, and return its sequence number."""
        number = str(next(_numbers))
        who = {"userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}} if expired else {}
        created = datetime.datetime.fromtimestamp(self.now(), datetime.timezone.utc)
        change = {
            "Keys": {"pk": {"S": key}},
            "SequenceNumber": number,
            "ApproximateCreationDateTime": created,
        }
        self.shards.setdefault(shard, []).append({"dynamodb": change, **who})
        return number

    def describe_stream(self, **request: Any) -> dict[str, Any]:
        """One shard a page, so that whoever reads one page only is found out."""
        self.called("DescribeStream", request)
        names = sorted(self.shards)
        first = names.index(request["ExclusiveStartShardId"]) + 1 if "ExclusiveStartShardId" in request else 0
        page = names[first : first + 1]
        more = {"LastEvaluatedShardId": page[0]} if first + 1 < len(names) else {}
        return {"StreamDescription": {"Shards": [{"ShardId": name} for name in page], **more}}

    def get_shard_iterator(self, **request: Any) -> dict[str, str]:
        self.called("GetShardIterator", request)
        shard, position = request["ShardId"], 0
        if request["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER":
            if shard in self.trimmed:
                raise client_error("GetShardIterator", "TrimmedDataAccessException", "beyond the horizon")
            numbers = [record["dynamodb"]["SequenceNumber"] for record in self.shards[shard]]
            position = numbers.index(request["SequenceNumber"]) + 1
        return {"ShardIterator": f"{shard} {position} {self.empty_pages}"}

    def get_records(self, **request: Any) -> dict[str, Any]:
        self.called("GetRecords", request)
        self.read()
        shard, at, empty = request["ShardIterator"].rsplit(" ", 2)
        records, position = self.shards[shard], int(at)
        if int(empty):
            return {"Records": [], "NextShardIterator": f"{shard} {at} {int(empty) - 1}"}
        page = records[position : position + self.page_records]
        ended = shard in self.closed and position + len(page) >= len(records)
        return {"Records": page, **({} if ended else {"NextShardIterator": f"{shard} {position + len(page)} 0"})}
