"""Fakes of the AWS clients that the rehearsal uses: as small as what the rehearsal asks of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from ddb_migration_construct.rehearsal.canonical import canonical
from ddb_migration_construct.rehearsal.key_shape import PARTITION_KEY, SORT_KEY


class FakePaginator:
    """Pages of two items each, from a function that lists everything."""

    def __init__(self, pages: Any) -> None:
        self._pages = pages

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        yield from self._pages(request)


class FakeTables:
    """Tables with puts, deletes, updates (noted; they make a key), batches and segmented scans."""

    def __init__(self, unprocessed_every: int = 0, stream: dict[str, Any] | None = None) -> None:
        self.tables: defaultdict[str, dict[Any, Any]] = defaultdict(dict)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.scans: list[dict[str, Any]] = []
        self._unprocessed_every = unprocessed_every
        self._stream = stream or {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}

    def describe_table(self, **request: Any) -> dict[str, Any]:
        return {"Table": {**request, "StreamSpecification": self._stream}}

    def update_table(self, **request: Any) -> None:
        self.calls.append(("update_table", request))

    def put_item(self, **request: Any) -> dict[str, Any]:
        self.calls.append(("put_item", request))
        self.tables[request["TableName"]][_key(request["Item"])] = request["Item"]
        return {}

    def delete_item(self, **request: Any) -> dict[str, Any]:
        self.calls.append(("delete_item", request))
        self.tables[request["TableName"]].pop(_key(request["Key"]), None)
        return {}

    def update_item(self, **request: Any) -> dict[str, Any]:
        self.calls.append(("update_item", request))
        assert request["ReturnValues"] == "ALL_NEW"
        return {"Attributes": self.tables[request["TableName"]].setdefault(_key(request["Key"]), request["Key"])}

    def batch_write_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  boto3's own name
        ((table, requests),) = RequestItems.items()
        self.calls.append(("batch_write_item", {"size": len(requests)}))
        refused = requests[-1:] if self._unprocessed_every and len(requests) % self._unprocessed_every == 0 else []
        for request in requests[: len(requests) - len(refused)]:
            self.put_item(TableName=table, Item=request["PutRequest"]["Item"])
        return {"UnprocessedItems": {table: refused} if refused else {}}

    def get_paginator(self, _operation: str) -> FakePaginator:
        return FakePaginator(self._scan)

    def _scan(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self.scans.append(request)
        items = list(self.tables[request["TableName"]].values())[request["Segment"] :: request["TotalSegments"]]
        for start in range(0, len(items), 2):
            yield {"Items": items[start : start + 2]}


def _key(item: dict[str, Any]) -> Any:
    return canonical({name: item[name] for name in (PARTITION_KEY, SORT_KEY) if name in item})


class FakeStream:
    """A stream of shards; each page holds one record, and open shards never end."""

    def __init__(self, shards: dict[str, list[tuple[dict[str, Any], int]]]) -> None:
        self.shards = shards
        self.reads = 0

    def describe_stream(self, StreamArn: str, ExclusiveStartShardId: str = "") -> dict[str, Any]:  # noqa: N803
        shards = [{"ShardId": shard} for shard in sorted(self.shards) if shard > ExclusiveStartShardId]
        more = {"LastEvaluatedShardId": shards[0]["ShardId"]} if len(shards) > 1 else {}
        return {"StreamDescription": {"Shards": shards[:1], **more}}

    def get_shard_iterator(self, StreamArn: str, ShardId: str, ShardIteratorType: str) -> dict[str, str]:  # noqa: N803
        assert ShardIteratorType == "TRIM_HORIZON"
        return {"ShardIterator": f"{ShardId}/0"}

    def get_records(self, ShardIterator: str) -> dict[str, Any]:  # noqa: N803
        self.reads += 1
        shard, position = ShardIterator.split("/")
        records = self.shards[shard][int(position) : int(position) + 1]
        return {
            "Records": [{"dynamodb": {"Keys": key, "SequenceNumber": str(number)}} for key, number in records],
            "NextShardIterator": f"{shard}/{int(position) + len(records)}",
        }
