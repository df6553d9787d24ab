"""The tables that a team's app only imports: made for the rehearsal, each like the one at the migration's other end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ddb_migration_construct.rehearsal.key_shape import KeyShape

Table = Mapping[str, Any]


def complete_tables(
    client: Any, source: str, destination: str, key_shape: KeyShape, can_roll_back: bool = False
) -> list[str]:
    """Create what is not there of the two tables, and return a phrase for each that was made.

    A table takes keys and secondary indexes of the other; if neither is there both get `key_shape`. A source
    also gets a stream with new and old images, and point-in-time recovery; a destination a stream if the migration
    can be rolled back.
    """
    found = {name: described(client, name) for name in (source, destination)}
    model = found[destination] or found[source] or _of_shape(key_shape)
    origin = "as the other table has" if any(found.values()) else "as --key says"
    missing = [name for name in found if found[name] is None]
    for name in missing:
        _create(client, name, model, is_source=name == source, has_stream=can_roll_back or name == source)
    shape, indexes = shape_of(model), len(_indexes(model))
    return [
        f"table {name}, which the app imports: key {shape.text} {origin}"
        + (f", {indexes} secondary indexes" if indexes else "")
        + (", a stream and point-in-time recovery" if name == source else ", a stream" if can_roll_back else "")
        for name in missing
    ]


def described(client: Any, name: str) -> Table | None:
    """Return the description of a table, None if there is none."""
    try:
        found: Table = client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return found


def shape_of(table: Table) -> KeyShape:
    """Return the shape of a described table's primary key."""
    types = _types(table)
    names = [one["AttributeName"] for one in sorted(table["KeySchema"], key=lambda one: str(one["KeyType"]))]
    return KeyShape.parse(",".join(f"{name}:{types[name]}" for name in names))


def indexed_attributes(table: Table) -> dict[str, str]:
    """Return the types by name of the attributes that are keys of secondary indexes and not of the table."""
    own = shape_of(table).attributes()
    return {name: kind for name, kind in _types(table).items() if name not in own}


def _types(table: Table) -> dict[str, str]:
    return {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}


def _of_shape(shape: KeyShape) -> Table:
    attributes = shape.attributes()
    kinds = ("HASH", "RANGE")
    return {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()],
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in zip(attributes, kinds, strict=False)],
    }


def _indexes(table: Table) -> list[Mapping[str, Any]]:
    return [*table.get("GlobalSecondaryIndexes", []), *table.get("LocalSecondaryIndexes", [])]


def _create(client: Any, name: str, model: Table, *, is_source: bool, has_stream: bool) -> None:
    indexes = {
        kind: [{part: one[part] for part in ("IndexName", "KeySchema", "Projection")} for one in model[kind]]
        for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
        if model.get(kind)
    }
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    client.create_table(
        TableName=name,
        AttributeDefinitions=model["AttributeDefinitions"],
        KeySchema=model["KeySchema"],
        BillingMode="PAY_PER_REQUEST",
        **indexes,
        **({"StreamSpecification": stream} if has_stream else {}),
    )
    if is_source:
        client.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
