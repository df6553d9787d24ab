"""Items that the user gives: arrays, lines, export folders; what is wrong with them; and the writers beside them."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.canonical import canonical
from ddb_migration_construct.rehearsal.given_items import ItemsFileInvalid, read_given_items
from ddb_migration_construct.rehearsal.items import HostileItems
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.table_items import TableItems, items_of
from ddb_migration_construct.rehearsal.write_plan import WritePlan

DATA = Path(__file__).resolve().parents[1] / "data"
ID = KeyShape.parse("id:S")
ITEMS: list[dict[str, Any]] = [
    {"id": {"S": "a\u2028b"}, "b": {"B": "AP8="}},
    {"id": {"S": "c"}, "m": {"M": {"l": {"L": [{"BS": ["AP8=", "AA=="]}]}}}},
]


def written(folder: Path, content: str, name: str = "items.json") -> Path:
    path = folder / name
    path.write_text(content, "utf-8")
    return path


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(ITEMS),
        json.dumps(ITEMS, ensure_ascii=False, indent=2),
        "\n".join(json.dumps(item, ensure_ascii=False) for item in ITEMS),
        "\n".join(json.dumps({"Item": item}) for item in ITEMS) + "\n\n",
    ],
    ids=["array", "indented", "lines", "lines of an export"],
)
def test_arrays_and_lines_are_read(tmp_path: Path, content: str) -> None:
    first, second = read_given_items(written(tmp_path, content), ID)
    assert first == {"id": {"S": "a\u2028b"}, "b": {"B": b"\x00\xff"}}
    assert second["m"] == {"M": {"l": {"L": [{"BS": [b"\x00\xff", b"\x00"]}]}}}


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "items.json.gz"
    path.write_bytes(gzip.compress(json.dumps(ITEMS).encode()))
    assert len(read_given_items(path, ID)) == 2


def test_real_files_are_read() -> None:
    assert len(read_given_items(DATA / "persons.ddb.json", ID)) == 500
    for folder in (DATA / "real-export", DATA / "real-export" / "01715685260608-c488b4e1"):
        items = read_given_items(folder, ID)
        assert [item["id"]["S"] for item in items] == ["bar", "K3TXQk84Si", "foo"]
        assert items[1]["k"] == {"BS": [b"is fast", b"scylladb"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2", "is no JSON: .* give a JSON array, or one JSON object a line"),
        ('{"id": {"S": "a"}}\n{"id"', "line 2 of .* is no JSON"),
        ('[{"id": "a"}]', "item 1 of .* is not DynamoDB JSON"),
        ('[{"id": {"X": "a"}}]', "item 1 of .* is not DynamoDB JSON"),
        ('[{"id": {"S": "a"}, "n": {"N": "one"}}]', "item 1 of .* is not DynamoDB JSON"),
        ('[{"id": {"S": "a"}, "b": {"B": "AP8"}}]', "a binary value is not base64"),
        ("[]", "holds no items"),
        ("\n", "holds no items"),
        ("[3]", "item 1 of .* is not DynamoDB JSON"),
        ('[{"id": {"N": "1"}}]', "has no key attribute 'id' of type S; see --key"),
        ('[{"other": {"S": "a"}}]', "has no key attribute 'id' of type S; see --key"),
        ('[{"id": {"S": "a"}}, {"id": {"S": "a"}, "x": {"N": "1"}}]', "item 2 of .* has the key of an earlier one"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(ItemsFileInvalid, match=message):
        read_given_items(written(tmp_path, content), ID)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.json", tmp_path / "items.json.gz"):
        if path.suffix == ".gz":
            path.write_bytes(b"not gzip")
        with pytest.raises(ItemsFileInvalid, match="cannot be read"):
            read_given_items(path, ID)


def test_a_folder_must_hold_one_export_and_be_whole(tmp_path: Path) -> None:
    with pytest.raises(ItemsFileInvalid, match=r"holds 0 files manifest-summary\.json"):
        read_given_items(tmp_path, ID)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.json.gz").write_bytes(gzip.compress(json.dumps({"Item": ITEMS[0]}).encode()))
    written(tmp_path, "{}", "manifest-summary.json")
    written(tmp_path, '{"itemCount": 2, "dataFileS3Key": "p/data/x.json.gz"}\n', "manifest-files.json")
    with pytest.raises(ItemsFileInvalid, match="holds 1 items and the manifest says 2"):
        read_given_items(tmp_path, ID)


@pytest.mark.parametrize(
    ("text", "attributes"),
    [("id:S", {"id": "S"}), ("pk:B,sk:N", {"pk": "B", "sk": "N"}), ("a:b:S", {"a:b": "S"}), ("s", {"hash": "S"})],
)
def test_keys_may_have_any_name(text: str, attributes: dict[str, str]) -> None:
    shape = KeyShape.parse(text)
    assert shape.attributes() == attributes
    assert KeyShape.parse(shape.text) == shape


@pytest.mark.parametrize("text", ["id:X", ":S", "a:S,b:N,c:B", "a:S,a:N", "a:S,b"])
def test_fails_on_keys_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be read; write NAME:TYPE"):
        KeyShape.parse(text)


def table_items() -> TableItems:
    return TableItems(read_given_items(DATA / "persons.ddb.json", ID), HostileItems(1, ID))


def test_the_given_items_come_first_and_hostile_ones_behind_them() -> None:
    items = table_items()
    assert items.item(7)["first_name"]["S"]
    assert items.item(7, 2) == items.item(7)
    assert items.item(7, 1) != items.item(7)
    assert items.item(7, 1)["id"] == items.item(7)["id"] == items.key(7)["id"]
    assert items.key(500) == HostileItems(1, ID).key(500)
    keys = {canonical(items.key(index)) for index in range(700)}
    assert len(keys) == 700


def test_writers_touch_given_and_own_keys_and_never_a_key_attribute() -> None:
    shape = KeyShape.parse("size:S,name:S")
    given = [{"size": {"S": str(n)}, "name": {"S": "x"}} for n in range(5)]
    plan = itertools.islice(WritePlan(TableItems(given, HostileItems(3, shape)), 5, 0), 400)
    writes = [write for act in plan for write in act]
    keys = {repr([one[name] for name in ("size", "name")]) for one in map(_touched, writes)}
    assert len(keys) == 6
    changed = [write.arguments["ExpressionAttributeNames"] for write in writes if write.method == "update_item"]
    assert changed
    assert not any({"size", "name"} & set(names.values()) for names in changed)


def _touched(write: Any) -> Any:
    return write.arguments.get("Key") or write.arguments["Item"]


def test_items_that_an_update_would_not_fit_into_are_put() -> None:
    given = [{"id": {"S": "a"}, "x": {"S": "y" * 400_000}}, {"id": {"S": "b"}, "M": {"S": ""}}, {"id": {"S": "c"}}]
    items = TableItems(given, HostileItems(1, ID))
    assert [items.can_update(index) for index in range(3)] == [False, False, True]


def test_without_a_file_the_items_are_hostile() -> None:
    options = RehearsalOptions(9, 0, "direct", ID, 4)
    assert (items_of(options), options.population) == (HostileItems(4, ID), 9)
    given = RehearsalOptions(9, 0, "both", ID, 4, given_items=tuple(ITEMS))
    assert (items_of(given).item(1), given.population) == (ITEMS[1], 2)
    assert (given.modes, options.modes) == (("direct", "large"), ("direct",))
