"""The shape of a table, its keys and indexes, as DynamoDB's commands take it."""

from __future__ import annotations

from ddb_migration.core.checks.commands import compact, on_table
from ddb_migration.core.table import Keys, Table


def create_table(source: Table, arn: str) -> str:
    """Return the command that creates a table with a source's keys and indexes, on demand."""
    keys = [source.keys, *(index[0] for index in source.indexes.values())]
    types = {name: kind for schema in keys for name, _, kind in schema}
    definitions = [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]
    options = ["--billing-mode", "PAY_PER_REQUEST", "--attribute-definitions", compact(definitions)]
    options += ["--key-schema", compact(_key_schema(source.keys))]
    shared = [index_definition(source, name) for name in source.indexes if name not in source.local_indexes]
    local = [index_definition(source, name) for name in source.indexes if name in source.local_indexes]
    options += ["--global-secondary-indexes", compact(shared)] if shared else []
    options += ["--local-secondary-indexes", compact(local)] if local else []
    return on_table(arn, "create-table", *options)


def _key_schema(keys: Keys) -> list[dict[str, str]]:
    """Return keys as DynamoDB's KeySchema."""
    return [{"AttributeName": name, "KeyType": role} for name, role, _ in keys]


def index_definition(table: Table, name: str) -> dict[str, object]:
    """Return an index as CreateTable takes it."""
    keys, projection, attributes = table.indexes[name]
    more = {"NonKeyAttributes": list(attributes)} if attributes else {}
    return {
        "IndexName": name,
        "KeySchema": _key_schema(keys),
        "Projection": {"ProjectionType": projection, **more},
    }


def create_index(table: Table, name: str, into: Table) -> str:
    """Return the command that gives another table a global index of this one, provisioned like that table."""
    keys = table.indexes[name][0]
    definitions = [{"AttributeName": attribute, "AttributeType": kind} for attribute, _, kind in keys]
    units = {"ReadCapacityUnits": into.provisioned_reads, "WriteCapacityUnits": into.provisioned_writes}
    throughput = {"ProvisionedThroughput": units} if all(units.values()) else {}
    create = [{"Create": {**index_definition(table, name), **throughput}}]
    given = ("--attribute-definitions", compact(definitions), "--global-secondary-index-updates", compact(create))
    return on_table(into.arn, "update-table", *given)


def delete_index(name: str, arn: str) -> str:
    """Return the command that takes a global index from a table."""
    update = compact([{"Delete": {"IndexName": name}}])
    return on_table(arn, "update-table", "--global-secondary-index-updates", update)
