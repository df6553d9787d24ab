"""The simulated DynamoDB: tables, throttling, rejections, and what each call of the migration answers."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation import expressions
from tests.simulation.failures import refused
from tests.simulation.kernel import Kernel
from tests.simulation.services import Calls, Paginator
from tests.simulation.source import Source
from tests.simulation.table_policy import HOSTS, PolicyCalls, SimulatedPolicy
from tests.simulation.tables import Item, Key, SimulatedTable

# An item with this attribute is what the destination rejects, as an index key of the wrong type would be.
REJECTED = "rejected"


class Database:
    """The tables of one account and Region, by name and by ARN."""

    def __init__(
        self,
        kernel: Kernel,
        source: Source,
        streamed_destination: Source,
        control: SimulatedTable,
        policies: Mapping[str, SimulatedPolicy],
    ) -> None:
        self.kernel = kernel
        self.source = source
        self.destination = destination = streamed_destination.table
        self.control = control
        self.policies = policies
        self.stormy = destination.arn
        self.index_lag = 0.0
        self.storm_until = 0.0
        self.storm_strength = 1.0
        self.rejected = REJECTED
        self.page_items = 3
        self.page_units = 100.0
        self.exports: dict[str, dict[str, Any]] = {}
        self.export: Callable[[dict[str, Any]], dict[str, Any]] = lambda request: {}
        self.paged: Callable[[], None] = lambda: None
        self.updated: Callable[[Key, Item, Item], None] = lambda key, old, new: None
        # Told of each write of the migration to a table of the application's.
        self.carried: Callable[[SimulatedTable, Key, Item | None, Item | None], None] = lambda *told: None
        self.denied: Callable[[str | None], None] = lambda role: None
        self.streamed = {side.table.arn: side for side in (source, streamed_destination)}
        self._tables = {table.arn: table for table in (source.table, destination, control)}

    def table(self, name: str) -> SimulatedTable:
        return self._tables[name]

    def put(self, name: str, item: Item, operation: str, rejects: bool) -> None:
        """Put one item where the table takes it."""
        table = self._tables[name]
        if rejects or (table is self.destination and self.rejected in item):
            text = "One or more parameter values were invalid: Type mismatch for Index Key"
            raise refused("ValidationException", text, operation)
        self.write(table, table.key(item), item)

    def write(self, table: SimulatedTable, key: Key, item: Item | None) -> None:
        """Write for the migration: put an item, or delete the key's."""
        old = table.items.get(key)
        table.write(key, item)
        self.carried(table, key, old, item)

    def is_throttled(self, name: str, draws: Any) -> bool:
        """Tell whether a storm over the table that is written to swallows this call."""
        storm = name == self.stormy and self.kernel.now < self.storm_until
        return storm and draws.random() < self.storm_strength


class DynamoDbClient:
    """The client `dynamodb` of a role that a fence may let through; its parameters bear DynamoDB's names."""

    def __init__(self, database: Database, calls: Calls, role: str | None = None) -> None:
        self._database = database
        self._calls = calls
        self._role = role
        policy = PolicyCalls(database.policies, calls)
        self.get_resource_policy = policy.get_resource_policy
        self.put_resource_policy = policy.put_resource_policy
        self.delete_resource_policy = policy.delete_resource_policy

    # One item

    def get_item(self, TableName: str, Key: Item, ConsistentRead: bool = False) -> dict[str, Any]:  # noqa: N803
        table = self._database.table(TableName)

        def effect() -> dict[str, Any]:
            item = self._database.source.stale(table, table.key(Key), ConsistentRead)
            return {} if item is None else {"Item": item}

        return self._calls.make("GetItem", effect)

    def put_item(self, TableName: str, Item: Item) -> dict[str, Any]:  # noqa: N803
        def effect(kind: str | None = None) -> dict[str, Any]:
            self._judge(TableName, "PutItem")
            self._database.put(TableName, Item, "PutItem", kind == "validation-once")
            return {}

        return self._calls.make("PutItem", effect, ("validation-once", "late-write"))

    def delete_item(self, TableName: str, Key: Item) -> dict[str, Any]:  # noqa: N803
        table = self._database.table(TableName)

        def effect(kind: str | None = None) -> dict[str, Any]:
            self._judge(TableName, "DeleteItem")
            self._database.write(table, table.key(Key), None)
            return {}

        return self._calls.make("DeleteItem", effect, ("late-write",))

    def update_item(self, **request: Any) -> dict[str, Any]:
        table = self._database.table(request["TableName"])
        values = request.get("ExpressionAttributeValues", {})
        when = request.get("ConditionExpression")

        def effect(kind: str | None = None) -> dict[str, Any]:
            key = table.key(request["Key"])
            old = table.items.get(key, {})
            if when is not None and not expressions.condition(when)(old, values):
                text = "The conditional request failed"
                more: dict[str, Any] = {"Item": dict(old)} if old else {}
                raise refused("ConditionalCheckFailedException", text, "UpdateItem", 400, **more)
            new = dict(old) or dict(request["Key"])
            expressions.update(request["UpdateExpression"])(new, values)
            table.items[key] = new
            self._database.updated(key, old, new)
            return {"Attributes": dict(new)}

        return self._calls.make("UpdateItem", effect, ("late-update",))

    # Many items

    def batch_write_item(self, RequestItems: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:  # noqa: N803
        ((name, requests),) = RequestItems.items()
        items = [request["PutRequest"]["Item"] for request in requests]
        table = self._database.table(name)

        def effect(kind: str | None = None) -> dict[str, Any]:
            self._storm(name, "BatchWriteItem")
            if len({table.key(item) for item in items}) < len(items):
                raise refused("ValidationException", "Provided list of item keys contains duplicates", "BatchWriteItem")
            spoilt = kind == "validation-once"
            if spoilt or any(self._database.rejected in item for item in items):
                raise refused("ValidationException", "Type mismatch for Index Key", "BatchWriteItem")
            left = self._unprocessed(requests) if kind == "unprocessed-items" else []
            for request in requests:
                if request not in left:
                    self._database.put(name, request["PutRequest"]["Item"], "BatchWriteItem", False)
            return {"UnprocessedItems": {name: left} if left else {}}

        return self._calls.make("BatchWriteItem", effect, ("unprocessed-items", "validation-once", "late-write"))

    def _unprocessed(self, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
        draws = self._calls.faults.draws("unprocessed-items")
        return draws.sample(requests, draws.randint(0, len(requests) - 1)) if len(requests) > 1 else []

    def scan(self, TableName: str, ConsistentRead: bool = False, **request: Any) -> dict[str, Any]:  # noqa: N803
        table = self._database.table(TableName)
        start = request.get("ExclusiveStartKey")
        limit = min(request.get("Limit", 1000), self._database.page_items)

        def effect() -> dict[str, Any]:
            place = table.key(start) if start else None
            if table is self._database.source.table:
                self._database.paged()
            keys = table.page(request.get("Segment", 0), request.get("TotalSegments", 1), place, limit)
            stale = self._database.source.stale
            items = [item for key in keys if (item := stale(table, key, ConsistentRead)) is not None]
            units = {"ConsumedCapacity": {"CapacityUnits": self._database.page_units}}
            answer = {"Items": items, "Count": len(items), **units}
            if len(keys) == limit:
                answer["LastEvaluatedKey"] = {name: table.items[keys[-1]][name] for name in table.names}
            return answer

        return self._calls.make("Scan", effect)

    def get_paginator(self, operation: str) -> Paginator:
        return Paginator(self._query)

    def _query(self, TableName: str, ExpressionAttributeValues: dict[str, Any], **request: Any) -> dict[str, Any]:  # noqa: N803
        ((wanted,),) = (ExpressionAttributeValues.values(),)
        attribute = next(iter(request["ExpressionAttributeNames"].values()))
        table = self._database.table(TableName)

        def effect() -> dict[str, Any]:
            found = [dict(item) for item in table.items.values() if item.get(attribute) == wanted]
            return {"Items": found, "Count": len(found)}

        return self._calls.make("Query", effect)

    def query(self, **request: Any) -> dict[str, Any]:
        """Serve a page of the index of changed keys, which trails its table."""
        values, names = request["ExpressionAttributeValues"], request["ExpressionAttributeNames"]
        partition, least = values[":p"], float(values[":s"]["N"])
        hash_name, range_name = names["#p"], names["#s"]

        def effect() -> dict[str, Any]:
            newest = self._database.kernel.now - self._database.index_lag * self._calls.faults.draws("index").random()
            rows = [item for item in self._database.control.items.values() if item.get(hash_name) == partition]
            found = [row for row in rows if least <= float(row[range_name]["N"]) <= newest]
            return {"Items": [dict(row) for row in found]}

        return self._calls.make("Query", effect)

    def batch_get_item(self, RequestItems: Mapping[str, Any], **request: Any) -> dict[str, Any]:  # noqa: N803
        ((name, asked),) = RequestItems.items()
        table = self._database.table(name)

        def effect(kind: str | None = None) -> dict[str, Any]:
            keys = list(asked["Keys"])
            left = [keys.pop()] if kind == "unprocessed-items" and len(keys) > 1 else []
            found = [table.items[key] for key in map(table.key, keys) if key in table.items]
            unread = {name: {**asked, "Keys": left}} if left else {}
            units = [{"TableName": name, "CapacityUnits": float(len(keys))}]
            return {"Responses": {name: found}, "UnprocessedKeys": unread, "ConsumedCapacity": units}

        return self._calls.make("BatchGetItem", effect, ("unprocessed-items",))

    # Tables

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("DescribeTable", lambda: {"Table": self._describe(self._database.table(TableName))})

    def _describe(self, table: SimulatedTable) -> dict[str, Any]:
        side = self._database.streamed[table.arn]
        answer = {
            "TableArn": table.arn,
            "TableStatus": side.status,
            "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            "TableSizeBytes": self._database.source.told_bytes,
            **side.schema,
        }
        if side.stream is not None and not side.stream.ended:
            answer["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": side.stream.view}
            answer["LatestStreamArn"] = side.stream.arn
        return answer

    def update_table(self, TableName: str, StreamSpecification: Any) -> dict[str, Any]:  # noqa: N803
        return self._calls.make("UpdateTable", lambda: self._database.source.switch_on(StreamSpecification))

    def describe_continuous_backups(self, TableName: str) -> dict[str, Any]:  # noqa: N803
        moment = datetime.datetime.fromtimestamp(self._calls.kernel.now - 300, datetime.timezone.utc)
        recovery = {"PointInTimeRecoveryStatus": "ENABLED", "LatestRestorableDateTime": moment}
        answer = {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}}
        return self._calls.make("DescribeContinuousBackups", lambda: copy.copy(answer))

    def describe_time_to_live(self, TableName: str) -> dict[str, Any]:  # noqa: N803
        answer = {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return self._calls.make("DescribeTimeToLive", lambda: answer)

    def export_table_to_point_in_time(self, **request: Any) -> dict[str, Any]:
        return self._calls.make("ExportTable", lambda: {"ExportDescription": self._database.export(request)})

    def describe_export(self, ExportArn: str) -> dict[str, Any]:  # noqa: N803
        return self._calls.make(
            "DescribeExport", lambda: {"ExportDescription": dict(self._database.exports[ExportArn])}
        )

    def _judge(self, name: str, operation: str) -> None:
        """Refuse a write of one item that a storm swallows, or a fence denies."""
        self._storm(name, operation)
        policy = self._database.policies.get(name)
        if policy is not None and policy.text is not None:
            host = self._calls.faults.draws("hosts").randrange(HOSTS)
            if policy.denies(host, self._role):
                self._database.denied(self._role)
                raise refused("AccessDeniedException", "an explicit deny in a resource-based policy", operation)

    def _storm(self, name: str, operation: str) -> None:
        if self._database.is_throttled(name, self._calls.faults.draws("destination-storm")):
            raise refused("ProvisionedThroughputExceededException", "Rate exceeded", operation)
