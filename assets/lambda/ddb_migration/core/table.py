"""A table as DescribeTable tells of it, reduced to what a migration asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Keys = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Table:
    """One table: `keys` is ((attribute, HASH or RANGE, type), ...); sizes are up to six hours old."""

    arn: str
    status: str
    keys: Keys
    indexes: Mapping[str, tuple[Keys, str, tuple[str, ...]]]
    stream_arn: str | None
    stream_view: str | None
    size_bytes: int
    item_count: int
    provisioned_reads: int
    replicas: int

    @property
    def name(self) -> str:
        """Return the table's name."""
        return self.arn.split("/", 1)[1]

    @property
    def region(self) -> str:
        """Return the table's Region."""
        return self.arn.split(":")[3]

    @property
    def key_names(self) -> tuple[str, ...]:
        """Return the names of the primary key's attributes, partition key first."""
        return tuple(name for name, _, _ in self.keys)

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Table:
        """Read the `Table` member of a DescribeTable answer."""
        types = {row["AttributeName"]: row["AttributeType"] for row in description["AttributeDefinitions"]}
        stream = description.get("StreamSpecification", {}).get("StreamEnabled", False)
        return cls(
            arn=description["TableArn"],
            status=description["TableStatus"],
            keys=_keys(description["KeySchema"], types),
            indexes=_indexes(description, types),
            stream_arn=description.get("LatestStreamArn") if stream else None,
            stream_view=description["StreamSpecification"].get("StreamViewType") if stream else None,
            size_bytes=int(description.get("TableSizeBytes", 0)),
            item_count=int(description.get("ItemCount", 0)),
            provisioned_reads=_provisioned_reads(description),
            replicas=len(description.get("Replicas", [])),
        )


def _provisioned_reads(description: Mapping[str, Any]) -> int:
    """Return 0 for a table on demand, whatever throughput the description still shows."""
    if description.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
        return 0
    return int(description.get("ProvisionedThroughput", {}).get("ReadCapacityUnits", 0))


def _keys(schema: list[Mapping[str, str]], types: Mapping[str, str]) -> Keys:
    ordered = sorted(schema, key=lambda row: row["KeyType"])
    return tuple((row["AttributeName"], row["KeyType"], types[row["AttributeName"]]) for row in ordered)


def _indexes(description: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, tuple[Keys, str, tuple[str, ...]]]:
    rows = [*description.get("GlobalSecondaryIndexes", []), *description.get("LocalSecondaryIndexes", [])]
    return {row["IndexName"]: (_keys(row["KeySchema"], types), *_projection(row["Projection"])) for row in rows}


def _projection(projection: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    return projection.get("ProjectionType", "ALL"), tuple(sorted(projection.get("NonKeyAttributes", [])))
