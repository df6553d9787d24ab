from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddb_migration.aws.errors import is_rejection
from ddb_migration.aws.tables import Destination, Source, Tables
from ddb_migration.core.attribute_values import with_base64
from ddb_migration_construct.rehearsal.hostile_values import TYPES, value_of
from tests.aws.conftest import Client
from tests.fakes.making import create_table
from tests.fakes.values import stored

KEYS = (("pk", "B"), ("sk", "N"))


@pytest.fixture
def tables(client: Client) -> Tables:
    return Tables(client("dynamodb"))


@pytest.fixture
def make(client: Client, name: str) -> Callable[..., str]:
    return lambda *keys, **more: create_table(client("dynamodb"), name, *keys, **more)


def test_a_table_is_described_with_its_stream(tables: Tables, make: Callable[..., str]) -> None:
    table = tables.describe(make(*KEYS, stream="NEW_IMAGE"))
    assert table is not None
    assert (table.status, table.keys) == ("ACTIVE", (("pk", "HASH", "B"), ("sk", "RANGE", "N")))
    assert (table.stream_view, table.provisioned_reads) == ("NEW_IMAGE", 0)
    assert str(table.stream_arn).startswith(f"{table.arn}/stream/")


def test_a_table_that_is_not_there_is_none(tables: Tables) -> None:
    assert tables.describe("arn:aws:dynamodb:us-east-1:123456789012:table/nowhere") is None


def test_the_stream_can_be_switched_on(tables: Tables, make: Callable[..., str]) -> None:
    arn = make(("pk", "S"))
    before = tables.describe(arn)
    tables.enable_stream(arn)
    after = tables.describe(arn)
    assert before is not None
    assert after is not None
    assert (before.stream_arn, after.stream_view) == (None, "NEW_IMAGE")


def test_recovery_can_be_switched_on(tables: Tables, make: Callable[..., str]) -> None:
    arn = make(("pk", "S"))
    assert not tables.has_recovery(arn)
    assert tables.latest_restorable(arn) is None
    tables.enable_recovery(arn)
    assert tables.has_recovery(arn)
    assert (tables.latest_restorable(arn) or 0.0) > 1_700_000_000


def test_emptiness(client: Client, tables: Tables, make: Callable[..., str]) -> None:
    arn = make(("pk", "S"))
    assert tables.is_empty(arn)
    client("dynamodb").put_item(TableName=arn, Item={"pk": {"S": "x"}})
    assert not tables.is_empty(arn)


def test_items_of_all_types_are_put_read_and_deleted(client: Client, make: Callable[..., str]) -> None:
    arn, rng = make(*KEYS), random.Random(3)
    source, destination = Source(client("dynamodb"), arn), Destination(client("dynamodb"), arn)
    key = {"pk": {"B": "AP8="}, "sk": {"N": "12345678901234567890123456789012345678"}}
    image = {**key, **{f"a{kind}": with_base64({"v": value_of(rng, kind)})["v"] for kind in TYPES}}
    assert source.get(key) is None
    destination.put(image)
    read = source.get(key)
    assert read is not None
    assert _unordered(read) == _unordered(with_base64({n: stored(v) for n, v in _bytes(image).items()}))
    assert client("dynamodb").get_item(TableName=arn, Key=_bytes(key))["Item"]["pk"] == {"B": b"\x00\xff"}
    destination.delete(key)
    destination.delete(key)
    assert source.get(key) is None


@pytest.mark.parametrize(
    "item",
    [
        {"pk": {"B": "AP8="}},
        {"pk": {"S": "AP8="}, "sk": {"N": "1"}},
        {"pk": {"B": "AP8="}, "sk": {"N": "1"}, "city": {"N": "5"}},
        {"pk": {"B": "AP8="}, "sk": {"N": "1"}, "large": {"S": "x" * 420_000}},
    ],
    ids=["no key", "key of another type", "index key of another type", "too large"],
)
def test_what_the_table_refuses_is_a_rejection(
    client: Client, make: Callable[..., str], request: pytest.FixtureRequest, item: dict[str, Any]
) -> None:
    index = {
        "IndexName": "by-city",
        "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    more = {"definitions": [{"AttributeName": "city", "AttributeType": "S"}], "GlobalSecondaryIndexes": [index]}
    destination = Destination(client("dynamodb"), make(*KEYS, **more))
    with pytest.raises(ClientError) as refused:
        destination.put(item)
    assert is_rejection(refused.value)


def _bytes(item: dict[str, Any]) -> dict[str, Any]:
    from ddb_migration.core.attribute_values import with_bytes

    return with_bytes(item)


def _unordered(value: Any) -> Any:
    """The value with sets in one order, which DynamoDB does not keep."""
    if isinstance(value, dict):
        return {
            name: sorted(content) if name in ("SS", "NS", "BS") else _unordered(content)
            for name, content in value.items()
        }
    return [_unordered(member) for member in value] if isinstance(value, list) else value
