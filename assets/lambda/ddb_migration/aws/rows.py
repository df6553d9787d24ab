"""Rows of the control table: plain values in, plain values out."""

from __future__ import annotations

import contextlib
import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from ddb_migration.aws.errors import code
from ddb_migration.names import PK, SK

# DynamoDB API, BatchGetItem: at most 100 keys.
_MOST_KEYS = 100
# Few enough for whoever reads them to come to their end within one call of a function.
PAGE_ROWS = 1000
_NAME = re.compile(r"#(\w+)")


class ConditionFailed(Exception):
    """A conditional write found the row otherwise; `row` is what stood there (empty when nothing did)."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__("the row of the control table is not as expected")
        self.row = row


@dataclass(frozen=True)
class Page:
    """Some rows of an index, and where the next ones start (None behind the last)."""

    rows: list[dict[str, Any]]
    next: str | None


class Rows:
    """The control table's rows by partition and sort key; reads are consistent."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, pk: str, sk: str) -> dict[str, Any]:
        """Return a row without its key, empty when there is none."""
        answer = self._client.get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True)
        return _plain(answer.get("Item", {}))

    def get_many(self, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the rows that exist of these (partition key, sort key), by the same."""
        left = [_key(pk, sk) for pk, sk in places]
        found: dict[tuple[str, str], dict[str, Any]] = {}
        while left:
            request = {self._table: {"Keys": left[:_MOST_KEYS], "ConsistentRead": True}}
            answer = self._client.batch_get_item(RequestItems=request)
            rows = answer["Responses"].get(self._table, [])
            found.update({(row[PK]["S"], row[SK]["S"]): _plain(row) for row in rows})
            # What DynamoDB did not get to comes again.
            left = [*answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", []), *left[_MOST_KEYS:]]
        return found

    def query(self, pk: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (sort key, row) for every row of a partition."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": PK},
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        for page in pages:
            for item in page["Items"]:
                yield item[SK]["S"], _plain(item)

    def count(self, index: str, attribute: str, value: str) -> int:
        """Return how many rows an index holds for one value of its partition key."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression="#a = :v",
            ExpressionAttributeNames={"#a": attribute},
            ExpressionAttributeValues={":v": {"S": value}},
            Select="COUNT",
        )
        return sum(page["Count"] for page in pages)

    def page(
        self,
        index: str,
        partition: tuple[str, str],
        after: tuple[str, float],
        start: str | None = None,
        most: int = PAGE_ROWS,
    ) -> Page:
        """Return some rows of one partition of an index, those from a number of its sort key on.

        `partition` and `after` are (attribute, value); `start` is where an earlier page ended, `most` how many rows a
        page may have. The index trails the table by a moment.
        """
        more = {"ExclusiveStartKey": json.loads(start)} if start is not None else {}
        answer = self._client.query(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression="#p = :p AND #s >= :s",
            ExpressionAttributeNames={"#p": partition[0], "#s": after[0]},
            ExpressionAttributeValues={":p": {"S": partition[1]}, ":s": _value(after[1])},
            Limit=most,
            **more,
        )
        last = answer.get("LastEvaluatedKey")
        return Page([_plain(item) for item in answer["Items"]], None if last is None else json.dumps(last))

    def update(
        self, pk: str, sk: str, expression: str, values: Mapping[str, Any], when: str | None = None
    ) -> dict[str, Any]:
        """Apply an update expression and return the new row.

        Attribute names are written `#name` in `expression` and `when`, values `:name`. Raises ConditionFailed,
        with the row that stood there, when `when` does not hold.
        """
        request: dict[str, Any] = {
            "TableName": self._table,
            "Key": _key(pk, sk),
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {f"#{name}": name for name in _names(expression, when or "")},
            "ReturnValues": "ALL_NEW",
        }
        if values:
            request["ExpressionAttributeValues"] = {f":{name}": _value(value) for name, value in values.items()}
        if when:
            request["ConditionExpression"] = when
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        try:
            return _plain(self._client.update_item(**request).get("Attributes", {}))
        except ClientError as error:
            if code(error) != "ConditionalCheckFailedException":
                raise
            raise ConditionFailed(_plain(error.response.get("Item", {}))) from error

    def probe(self) -> None:
        """Make an update whose condition cannot hold, so that nothing is written."""
        with contextlib.suppress(ConditionFailed):
            self.update("probe", "probe", "SET #probe = :yes", {"yes": True}, "attribute_exists(#pk)")


@functools.lru_cache(maxsize=256)
def _names(*expressions: str) -> frozenset[str]:
    return frozenset(name for expression in expressions for name in _NAME.findall(expression))


def _key(pk: str, sk: str) -> dict[str, dict[str, str]]:
    return {PK: {"S": pk}, SK: {"S": sk}}


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": str(value)}
    return {"S": str(value)}


def _plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: _read(value) for name, value in item.items() if name not in (PK, SK)}


def _read(value: Mapping[str, Any]) -> Any:
    if "S" in value:
        return value["S"]
    return _number(value["N"]) if "N" in value else next(iter(value.values()))


@functools.lru_cache(maxsize=1024)
def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)
