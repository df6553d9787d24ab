"""Items that travel as text, from a Scan page or an export line into a request, arrive as they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ddb_migration.core.attribute_values import with_bytes
from ddb_migration.core.item_text import Requests, line_text, scan_page
from ddb_migration_construct.rehearsal.canonical import canonical
from tests.fidelity.paths import as_json
from tests.fidelity.test_fidelity import WORST
from tests.strategies import Item, Table, tables

Dump = Callable[[Any], bytes]
REQUESTS = Requests("arn:source", "arn:destination")


def compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def spaced(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, indent=1).encode()


def put(texts: list[bytes]) -> list[Item]:
    """The items that a BatchWriteItem of these texts puts."""
    body = json.loads(REQUESTS.write(texts))
    return [with_bytes(row["PutRequest"]["Item"]) for row in body["RequestItems"]["arn:destination"]]


def same(found: list[Item], items: tuple[Item, ...]) -> bool:
    return [canonical(item) for item in found] == [canonical(item) for item in items]


@pytest.mark.parametrize("dump", [compact, spaced])
@given(tables(), st.booleans())
@example(WORST, True)
def test_scan_page_to_request(dump: Dump, table: Table, is_last: bool) -> None:
    items = as_json(list(table.items))
    key = {name: items[-1][name] for name, _ in table.shape}
    page = {"Count": len(items), "Items": items, "ScannedCount": len(items)}
    portion = scan_page(dump(page if is_last else {**page, "LastEvaluatedKey": key}))
    assert (portion.position is None) == is_last
    assert is_last or json.loads(str(portion.position)) == key
    assert same(put(portion.items), table.items)


@pytest.mark.parametrize("dump", [compact, spaced])
@given(tables())
@example(WORST)
def test_export_line_to_request(dump: Dump, table: Table) -> None:
    assert same(put([line_text(dump({"Item": as_json(item)})) for item in table.items]), table.items)
