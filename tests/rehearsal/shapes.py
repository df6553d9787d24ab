"""Tables of any shape for a rehearsal: changes of the synthesised template, and NoSQL Workbench models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddb_migration_construct.rehearsal.synthesis import STACK_NAME

Change = Callable[[Path], None]


def tables(change: Callable[[str, dict[str, Any]], None]) -> Change:
    """Return a change of both tables; it gets "Source" or "Destination", and the table's properties."""

    def apply(assembly: Path) -> None:
        path = assembly / f"{STACK_NAME}.template.json"
        template = json.loads(path.read_text())
        seen = []
        for name, resource in template["Resources"].items():
            role = next((role for role in ("Source", "Destination") if name.startswith(role)), None)
            if role and resource["Type"] == "AWS::DynamoDB::Table":
                change(role, resource["Properties"])
                seen.append(role)
        assert sorted(seen) == ["Destination", "Source"]
        path.write_text(json.dumps(template))

    return apply


def with_indexes(
    of_all: Iterable[dict[str, Any]] = (), of_one: Iterable[dict[str, Any]] = (), types: Mapping[str, str] | None = None
) -> Change:
    """Return a change that gives both tables global and local secondary indexes."""
    global_indexes, local_indexes = list(of_all), list(of_one)

    def change(_: str, table: dict[str, Any]) -> None:
        known = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]} | dict(
            types or {}
        )
        table["AttributeDefinitions"] = [{"AttributeName": name, "AttributeType": kind} for name, kind in known.items()]
        if global_indexes:
            table["GlobalSecondaryIndexes"] = global_indexes
        if local_indexes:
            table["LocalSecondaryIndexes"] = local_indexes

    return tables(change)


def index(name: str, partition: str, sort: str | None = None, projection: str = "ALL") -> dict[str, Any]:
    """Return an index of a template."""
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    more = [{"AttributeName": sort, "KeyType": "RANGE"}] if sort else []
    return {"IndexName": name, "KeySchema": [*keys, *more], "Projection": {"ProjectionType": projection}}


@dataclass(frozen=True)
class WorkbenchTable:
    """One table of a NoSQL Workbench model: its key as `--key` has it, its items, and its indexes."""

    key: str
    items: list[dict[str, Any]]
    indexes: list[dict[str, Any]]
    types: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> WorkbenchTable:
        """Read the one table of a model."""
        (table,) = json.loads(path.read_text("utf-8"))["DataModel"]
        indexes = table.get("GlobalSecondaryIndexes", [])
        keys = [one["KeyAttributes"] for one in indexes]
        return cls(
            key=",".join(
                f"{one['AttributeName']}:{one['AttributeType']}" for one in _attributes(table["KeyAttributes"])
            ),
            items=table["TableData"],
            indexes=[_index(one) for one in indexes],
            types={one["AttributeName"]: one["AttributeType"] for each in keys for one in _attributes(each)},
        )


def _attributes(keys: Mapping[str, Any]) -> list[dict[str, str]]:
    return [keys[name] for name in ("PartitionKey", "SortKey") if name in keys]


def _index(given: Mapping[str, Any]) -> dict[str, Any]:
    partition, *sort = [one["AttributeName"] for one in _attributes(given["KeyAttributes"])]
    return index(given["IndexName"], partition, next(iter(sort), None), given["Projection"]["ProjectionType"])
