"""Real data of others, in both modes, with heavy faults and writers: equal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.rehearsal.given_items import read_given_items
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.run import rehearse
from tests.rehearsal.shapes import Change, WorkbenchTable, with_indexes

pytestmark = [pytest.mark.rehearsal, pytest.mark.slow, pytest.mark.timeout(1200)]

DATA = Path(__file__).resolve().parents[1] / "data"
WRITES_PER_SECOND = 20


def require_equal(folder: Path, items: Path, key: str, change: Change = lambda _: None) -> None:
    """Rehearse both modes with heavy faults, and require both equal."""
    report, shape = folder / "report.json", KeyShape.parse(key)
    options = RehearsalOptions(
        items=0,
        writes_per_second=WRITES_PER_SECOND,
        mode="both",
        key_shape=shape,
        seed=11,
        json_file=report,
        faults="heavy",
        given_items=read_given_items(items, shape),
    )
    exit_code = rehearse(options, change)
    found: dict[str, Any] = json.loads(report.read_text())
    assert (exit_code, found["verdict"]) == (0, "equal"), found
    for one in found["rehearsals"]:
        assert (one["verdict"], one["parked"], one["notes"]) == ("equal", 0, [])
        assert one["faults"]["ProvisionedThroughputExceededException"] > 0
        assert one["writes"] > 0


def test_persons(tmp_path: Path) -> None:
    require_equal(tmp_path, DATA / "persons.ddb.json", "id:S")


def test_a_real_export(tmp_path: Path) -> None:
    require_equal(tmp_path, DATA / "real-export" / "01715685260608-c488b4e1", "id:S")


@pytest.mark.parametrize("model", ["ComplaintManagementSchema", "SocialNetworkSchema"])
def test_a_workbench_model_with_its_indexes(tmp_path: Path, model: str) -> None:
    table = WorkbenchTable.read(DATA / "nosql-workbench" / f"{model}.json")
    items = tmp_path / "items.json"
    items.write_text(json.dumps(table.items))
    require_equal(tmp_path, items, table.key, with_indexes(table.indexes, types=table.types))
