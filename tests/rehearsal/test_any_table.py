"""Any table: whatever its keys, stream, indexes, names and sizes, it ends equal."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.given_items import read_given_items
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.run import rehearse
from tests.rehearsal.shapes import Change, index, tables, with_indexes

pytestmark = [pytest.mark.rehearsal, pytest.mark.slow, pytest.mark.timeout(600)]

# An item's size is that of its names and values (Developer Guide, "Item sizes and formats").
MOST_BYTES = 400 * 1024


def unchanged(_: Path) -> None:
    pass


def require_equal(
    folder: Path, change: Change = unchanged, items: Iterator[dict[str, Any]] | None = None, **options: Any
) -> dict[str, Any]:
    """Rehearse, require an equal end, and return the report."""
    report, shape = folder / "report.json", KeyShape.parse(options.pop("key", "sn"))
    if items is not None:
        path = folder / "items.json"
        path.write_text("\n".join(map(json.dumps, items)))
        options["given_items"] = read_given_items(path, shape)
    chosen = {"items": 100, "writes_per_second": 10, "mode": "direct", "seed": 5, "faults": "light", **options}
    exit_code = rehearse(RehearsalOptions(key_shape=shape, json_file=report, **chosen), change)
    found: dict[str, Any] = json.loads(report.read_text())
    assert (exit_code, found["verdict"]) == (0, "equal"), found
    return found


def test_a_stream_of_keys_only(tmp_path: Path) -> None:
    def keys_only(role: str, table: dict[str, Any]) -> None:
        if role == "Source":
            table["StreamSpecification"] = {"StreamViewType": "KEYS_ONLY"}

    found = require_equal(tmp_path, tables(keys_only))
    assert found["applied"] > 0


@pytest.mark.parametrize("key", ["b", "nb"])
@pytest.mark.parametrize("mode", ["direct", "large"])
def test_binary_and_numeric_keys(tmp_path: Path, key: str, mode: str) -> None:
    require_equal(tmp_path, key=key, mode=mode)


def longest_keys() -> Iterator[dict[str, Any]]:
    """Keys of 2,048 and 1,024 bytes, which differ in their last bytes only."""
    for number in range(40):
        end = number.to_bytes(4, "big")
        sort = base64.b64encode(b"\xff" * 1020 + end).decode()
        yield {"pk": {"S": "\u0436" * 1022 + f"{number:04d}"}, "sk": {"B": sort}, "x": {"N": str(number)}}


@pytest.mark.parametrize("mode", ["direct", "large"])
def test_keys_of_the_greatest_length(tmp_path: Path, mode: str) -> None:
    require_equal(tmp_path, items=longest_keys(), key="pk:S,sk:B", mode=mode)


def test_names_with_dots_and_dashes(tmp_path: Path) -> None:
    def rename(role: str, table: dict[str, Any]) -> None:
        table["TableName"] = f"my.{role}-table_1.{'x' * 40}"

    require_equal(tmp_path, tables(rename))


def test_local_and_global_indexes(tmp_path: Path) -> None:
    change = with_indexes(
        [index("by.other-key", "group", "rank"), index("keys", "group", projection="KEYS_ONLY")],
        [index("local", "pk", "rank")],
        {"group": "S", "rank": "N"},
    )
    items = (
        {
            "pk": {"S": f"p{n % 7}"},
            "sk": {"S": f"s{n}"},
            **({"group": {"S": "g"}, "rank": {"N": str(n)}} if n % 2 else {}),
        }
        for n in range(100)
    )
    require_equal(tmp_path, change, items, key="pk:S,sk:S")


def largest_items() -> Iterator[dict[str, Any]]:
    """Items of exactly 400 KB, of what grows most in JSON, and what no compression shrinks."""
    room = MOST_BYTES - len("id") - 1 - len("v")
    contents = [
        {"S": "\x01" * room},
        {"S": "a" * room},
        {"B": base64.b64encode(bytes(range(256)) * (room // 256)).decode()},
    ]
    for number, content in enumerate(contents):
        yield {"id": {"S": str(number)}, "v": content}


@pytest.mark.parametrize("mode", ["direct", "large"])
def test_items_of_the_greatest_size(tmp_path: Path, mode: str) -> None:
    require_equal(tmp_path, items=largest_items(), key="id:S", mode=mode, writes_per_second=4)


def test_a_hot_key(tmp_path: Path) -> None:
    found = require_equal(tmp_path, items=iter([{"id": {"S": "hot"}}]), key="id:S", writes_per_second=60)
    assert found["writes"] > 300


@pytest.mark.parametrize("mode", ["direct", "large"])
@pytest.mark.parametrize("items", [0, 1])
def test_an_empty_table_and_one_item(tmp_path: Path, mode: str, items: int) -> None:
    given = ({"id": {"S": str(number)}} for number in range(items))
    found = require_equal(tmp_path, items=given, key="id:S", mode=mode, writes_per_second=0)
    assert found["source_items"] == found["destination_items"] == items
