"""DynamoDB in memory, as boto3's low-level client shows it."""

from __future__ import annotations

import contextlib
import copy
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from tests.fakes.client_errors import FakeClient, Paginator, client_error
from tests.fakes.expressions import Expression, InvalidExpression, unused
from tests.fakes.tables import REGION_AND_ACCOUNT, FakeTable, Item, position
from tests.fakes.values import InvalidValue, size_of

PUTS = 25
GETS = 100


@contextlib.contextmanager
def _validating(operation: str) -> Iterator[None]:
    try:
        yield
    except (InvalidValue, InvalidExpression) as error:
        message = f"One or more parameter values were invalid: {error}"
        raise client_error(operation, "ValidationException", message) from error


class FakeDynamoDb(FakeClient):
    """Tables by name or ARN. `page_items` bounds a page, `most_puts` and `most_gets` what a batch processes."""

    meta = SimpleNamespace(region_name="us-east-1")

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self.tables: dict[str, FakeTable] = {}
        self.exports: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, tuple[str, str]] = {}
        self.revisions = 0
        self.page_items = 3
        self.most_puts = PUTS
        self.most_gets = GETS
        # How far an index is behind its table, in seconds, for each row.
        self.index_lag: Callable[[Any], float] = lambda key: 0.0
        self._versions: dict[tuple[str, Any], list[tuple[float, Item]]] = {}
        self._clock = clock

    def create_table(self, **request: Any) -> dict[str, Any]:
        table = self.tables[request["TableName"]] = FakeTable(request)
        return {"TableDescription": copy.deepcopy(table.description)}

    def describe_table(self, **request: Any) -> dict[str, Any]:
        return {"Table": copy.deepcopy(self._table("DescribeTable", request).description)}

    def delete_table(self, **request: Any) -> None:
        """The table, and its policy with it."""
        table = self._table("DeleteTable", request)
        self.policies.pop(table.description["TableArn"], None)
        del self.tables[table.name]

    def update_table(self, **request: Any) -> None:
        self._table("UpdateTable", request).switch_stream(request["StreamSpecification"])

    def describe_continuous_backups(self, **request: Any) -> dict[str, Any]:
        since = self._table("DescribeContinuousBackups", request).recovery_since
        recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": "ENABLED" if since else "DISABLED"}
        if since:
            lagging = datetime.datetime.fromtimestamp(self._clock() - 300, datetime.timezone.utc)
            recovery["LatestRestorableDateTime"] = max(since, lagging)
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}}

    def describe_time_to_live(self, **request: Any) -> dict[str, Any]:
        attribute = self._table("DescribeTimeToLive", request).expires_by
        on = {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}
        return {"TimeToLiveDescription": on if attribute else {"TimeToLiveStatus": "DISABLED"}}

    def update_continuous_backups(self, **request: Any) -> None:
        now = datetime.datetime.fromtimestamp(self._clock(), datetime.timezone.utc)
        table = self._table("UpdateContinuousBackups", request)
        is_on = request["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        table.recovery_since = now if is_on else None

    def export_table_to_point_in_time(self, **request: Any) -> dict[str, Any]:
        """An export in progress; one client token makes one export."""
        self.called("ExportTableToPointInTime", request)
        for description in self.exports.values():
            if description["ClientToken"] == request["ClientToken"]:
                return {"ExportDescription": dict(description)}
        since = self._table("ExportTableToPointInTime", {"TableName": request["TableArn"]}).recovery_since
        if since is not None and request["ExportTime"] < since.replace(microsecond=0):
            raise client_error("ExportTableToPointInTime", "InvalidExportTimeException")
        arn = f"{request['TableArn']}/export/{len(self.exports):014d}-00000000"
        self.exports[arn] = {**request, "ExportArn": arn, "ExportStatus": "IN_PROGRESS"}
        return {"ExportDescription": dict(self.exports[arn])}

    def describe_export(self, **request: Any) -> dict[str, Any]:
        return {"ExportDescription": dict(self.exports[request["ExportArn"]])}

    def get_item(self, **request: Any) -> dict[str, Any]:
        table = self._table("GetItem", request)
        with _validating("GetItem"):
            item = table.get(request["Key"])
        return {} if item is None else {"Item": item}

    def get_resource_policy(self, **request: Any) -> dict[str, str]:
        policy = self._policy("GetResourcePolicy", request)
        if policy is None:
            raise client_error("GetResourcePolicy", "PolicyNotFoundException")
        return {"Policy": policy[0], "RevisionId": policy[1]}

    def put_resource_policy(self, **request: Any) -> None:
        self._expect("PutResourcePolicy", request)
        self.revisions += 1
        self.policies[request["ResourceArn"]] = (request["Policy"], str(self.revisions))

    def delete_resource_policy(self, **request: Any) -> None:
        self._expect("DeleteResourcePolicy", request)
        self.policies.pop(request["ResourceArn"], None)

    def _policy(self, operation: str, request: Mapping[str, Any]) -> tuple[str, str] | None:
        self._table(operation, {"TableName": request["ResourceArn"], **request})
        return self.policies.get(request["ResourceArn"])

    def _expect(self, operation: str, request: Mapping[str, Any]) -> None:
        policy = self._policy(operation, request)
        revision = "NO_POLICY" if policy is None else policy[1]
        if request.get("ExpectedRevisionId", revision) != revision:
            raise client_error(operation, "PolicyNotFoundException", "the revision is another")

    def put_item(self, **request: Any) -> None:
        table = self._table("PutItem", request)
        with _validating("PutItem"):
            self._require(table, table.key(request["Item"], exactly=False), request, "PutItem")
            table.put(request["Item"])

    def delete_item(self, **request: Any) -> None:
        table = self._table("DeleteItem", request)
        with _validating("DeleteItem"):
            key = table.key(request["Key"])
            self._require(table, key, request, "DeleteItem")
            table.items.pop(key, None)

    def update_item(self, **request: Any) -> dict[str, Any]:
        table = self._table("UpdateItem", request)
        with _validating("UpdateItem"):
            key = table.key(request["Key"])
            used: set[str] = set()
            new = Expression(request["UpdateExpression"], request, table.items.get(key, {}), used).update()
            self._require(table, key, request, "UpdateItem", used)
            table.put({**new, **request["Key"]})
        self._versions.setdefault((table.name, key), []).append((self._clock(), table.items[key]))
        return {"Attributes": copy.deepcopy(table.items[key])}

    def batch_write_item(self, **request: Any) -> dict[str, Any]:
        """All puts of one table are refused together; of good ones at most `most_puts` are done."""
        ((name, rows),) = request["RequestItems"].items()
        table = self._table("BatchWriteItem", {"TableName": name, **request})
        items = [row["PutRequest"]["Item"] for row in rows]
        with _validating("BatchWriteItem"):
            if len(items) > PUTS or len({table.key(item, exactly=False) for item in items}) < len(items):
                raise InvalidValue("too many items, or duplicates")
            trial = FakeTable(table.description)
            for item in items:
                trial.put(item)
        for item in items[: self.most_puts]:
            table.put(item)
        left = rows[self.most_puts :]
        return {"UnprocessedItems": {name: left} if left else {}}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        """Items of one table in no order; of many keys at most `most_gets` are read."""
        ((name, wanted),) = request["RequestItems"].items()
        table = self._table("BatchGetItem", {"TableName": name, **request})
        keys = wanted["Keys"]
        with _validating("BatchGetItem"):
            if not 0 < len(keys) <= GETS or len({table.key(key) for key in keys}) < len(keys):
                raise InvalidValue("no keys, too many, or duplicates")
            items = [table.get(key) for key in keys[: self.most_gets]]
        left = keys[self.most_gets :]
        answer: dict[str, Any] = {"Responses": {name: [item for item in reversed(items) if item is not None]}}
        if request.get("ReturnConsumedCapacity") == "TOTAL":
            answer["ConsumedCapacity"] = [{"TableName": name, "CapacityUnits": sum(map(_units, items))}]
        return {**answer, "UnprocessedKeys": {name: {**wanted, "Keys": left}} if left else {}}

    def query(self, **request: Any) -> dict[str, Any]:
        """One page of an index, ordered by its sort key."""
        table = self._table("Query", request)
        partition, sort = table.indexes[request["IndexName"]]
        with _validating("Query"):
            shown = [item for key in table.items if (item := self._shown(table, key))]
            found = [item for item in shown if partition in item and sort in item and _matches(request, item)]
        found.sort(key=lambda item: _order(item, sort, table.key_names))
        start = request.get("ExclusiveStartKey")
        if start is not None:
            found = [
                item for item in found if _order(item, sort, table.key_names) > _order(start, sort, table.key_names)
            ]
        page = copy.deepcopy(found[: self.page_items])
        answer: dict[str, Any] = {"Items": page, "Count": len(page)}
        if len(page) == self.page_items:
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in (partition, sort, *table.key_names)}
        return answer

    def scan(self, **request: Any) -> dict[str, Any]:
        table = self._table("Scan", request)
        total = request.get("TotalSegments", 1)
        found = [entry for entry in table.ordered() if position(entry[0]) % total == request.get("Segment", 0)]
        if "ExclusiveStartKey" in request:
            after = position(table.key(request["ExclusiveStartKey"]))
            found = [entry for entry in found if position(entry[0]) > after]
        most = min(request.get("Limit", self.page_items), self.page_items)
        page = [copy.deepcopy(item) for _, item in found[:most]]
        answer: dict[str, Any] = {"Count": len(page), "ConsumedCapacity": {"CapacityUnits": float(len(page))}}
        if request.get("Select") != "COUNT":
            answer["Items"] = page
        # DynamoDB names a last key whenever the limit was reached, even where nothing follows.
        if len(page) == most:
            answer["LastEvaluatedKey"] = {name: page[-1][name] for name in table.key_names}
        return answer

    def get_paginator(self, operation: str) -> Paginator:
        assert operation == "query"
        return Paginator(self._query)

    def _query(self, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        table = self._table("Query", request)
        with _validating("Query"):
            found = [item for _, item in table.items.items() if _matches(request, item)]
        if "IndexName" in request:
            names = table.indexes[request["IndexName"]]
            found = [item for item in found if all(name in item for name in names)]
        else:
            found.sort(key=lambda item: str(item[table.key_names[-1]]))
        pages = [found[first : first + self.page_items] for first in range(0, len(found), self.page_items)] or [[]]
        if request.get("Select") == "COUNT":
            return [{"Count": len(page)} for page in pages]
        return [{"Items": copy.deepcopy(page), "Count": len(page)} for page in pages]

    def _shown(self, table: FakeTable, key: Any) -> Item:
        """The row as an index shows it now: empty where it has not arrived."""
        until = self._clock() - self.index_lag(key)
        versions = self._versions.get((table.name, key), [(float("-inf"), table.items[key])])
        return next((item for at, item in reversed(versions) if at <= until), {})

    def _require(
        self, table: FakeTable, key: Any, request: Mapping[str, Any], operation: str, used: set[str] | None = None
    ) -> None:
        """Raise what DynamoDB answers when the request's condition does not hold."""
        used = set() if used is None else used
        old = table.items.get(key, {})
        condition = request.get("ConditionExpression")
        holds = condition is None or Expression(condition, request, old, used).condition()
        left_over = unused(request, used)
        if left_over:
            raise InvalidExpression(f"value provided and unused in expressions: {sorted(left_over)}")
        if not holds:
            wants_old = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old
            more = {"Item": copy.deepcopy(old)} if wants_old else {}
            raise client_error(
                operation, "ConditionalCheckFailedException", "The conditional request failed", 400, **more
            )

    def _table(self, operation: str, request: Mapping[str, Any]) -> FakeTable:
        self.called(operation, request)
        name = request["TableName"].rsplit(f"{REGION_AND_ACCOUNT}:table/", 1)[-1]
        if name not in self.tables:
            raise client_error(operation, "ResourceNotFoundException", f"Requested resource not found: {name}")
        return self.tables[name]


def _matches(request: Mapping[str, Any], item: Item) -> bool:
    return Expression(request["KeyConditionExpression"], request, item, set()).condition()


def _order(item: Mapping[str, Any], sort: str, keys: Sequence[str]) -> tuple[Any, ...]:
    ((_, content),) = item[sort].items()
    return (Decimal(content), *(next(iter(item[name].values())) for name in keys))


def items_of(client: Any, table: str) -> Sequence[Item]:
    """All items of a table of any client, fake or not."""
    start: dict[str, Any] = {}
    found: list[Item] = []
    while True:
        page = client.scan(TableName=table, ConsistentRead=True, **start)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _units(item: Item | None) -> float:
    """What a consistent read of an item is charged: a unit for each 4 KB, and one for no item."""
    return float(max(1, -(-size_of(item or {}) // 4096)))
