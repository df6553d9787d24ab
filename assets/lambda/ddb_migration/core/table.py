"""A table as DescribeTable tells of it, reduced to what a migration asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ddb_migration.core.place import Place

Keys = tuple[tuple[str, str, str], ...]
# Keys, projection type, and the attributes that INCLUDE names.
Index = tuple[Keys, str, tuple[str, ...]]


@dataclass(frozen=True)
class Table:
    """One table: `keys` is ((attribute, HASH or RANGE, type), ...); sizes are up to six hours old.

    Provisioned units are 0 on demand; `most_reads` and `most_writes` are the caps of a table on demand, 0 where there
    are none. `warm_writes` is what the table takes at once, 0 where AWS does not say.
    `key_arn` is a KMS key's, None for DynamoDB's own; `key_lost` tells that DynamoDB cannot use it.
    """

    arn: str
    status: str
    keys: Keys
    indexes: Mapping[str, Index]
    stream_arn: str | None
    stream_view: str | None
    size_bytes: int
    item_count: int
    provisioned_reads: int
    replicas: int
    local_indexes: frozenset[str] = frozenset()
    provisioned_writes: int = 0
    warm_writes: int = 0
    key_arn: str | None = None
    key_lost: bool = False
    most_reads: int = 0
    most_writes: int = 0

    @property
    def name(self) -> str:
        """Return the table's name."""
        return self.arn.split("/", 1)[1]

    @property
    def region(self) -> str:
        """Return the table's Region."""
        return Place.of(self.arn).region

    @property
    def is_usable(self) -> bool:
        """Tell whether items can be read and written: a table that is being updated still serves."""
        return self.status in ("ACTIVE", "UPDATING")

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
            provisioned_reads=_provisioned(description, "ReadCapacityUnits"),
            replicas=len(description.get("Replicas", [])),
            local_indexes=frozenset(row["IndexName"] for row in description.get("LocalSecondaryIndexes", [])),
            provisioned_writes=_provisioned(description, "WriteCapacityUnits"),
            warm_writes=int(description.get("WarmThroughput", {}).get("WriteUnitsPerSecond", 0)),
            key_arn=description.get("SSEDescription", {}).get("KMSMasterKeyArn"),
            key_lost=_key_lost(description),
            most_reads=_on_demand_cap(description, "MaxReadRequestUnits"),
            most_writes=_on_demand_cap(description, "MaxWriteRequestUnits"),
        )


def _provisioned(description: Mapping[str, Any], units: str) -> int:
    """Return 0 for a table on demand, whatever throughput the description still shows."""
    return 0 if _is_on_demand(description) else int(description.get("ProvisionedThroughput", {}).get(units, 0))


def _on_demand_cap(description: Mapping[str, Any], units: str) -> int:
    """Return 0 for no cap, which DynamoDB tells as -1 or not at all; provisioned, a table has none in force."""
    return max(0, int(description.get("OnDemandThroughput", {}).get(units, 0))) if _is_on_demand(description) else 0


def _is_on_demand(description: Mapping[str, Any]) -> bool:
    return bool(description.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST")


def _key_lost(description: Mapping[str, Any]) -> bool:
    """Tell whether DynamoDB lost the KMS key: by status, or by the date that it clears once the key is back."""
    lost = "InaccessibleEncryptionDateTime" in description.get("SSEDescription", {})
    return lost or description["TableStatus"] == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"


def _keys(schema: list[Mapping[str, str]], types: Mapping[str, str]) -> Keys:
    ordered = sorted(schema, key=lambda row: row["KeyType"])
    return tuple((row["AttributeName"], row["KeyType"], types[row["AttributeName"]]) for row in ordered)


def _indexes(description: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Index]:
    rows = [*description.get("GlobalSecondaryIndexes", []), *description.get("LocalSecondaryIndexes", [])]
    return {row["IndexName"]: (_keys(row["KeySchema"], types), *_projection(row["Projection"])) for row in rows}


def _projection(projection: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    return projection.get("ProjectionType", "ALL"), tuple(sorted(projection.get("NonKeyAttributes", [])))
