"""The two jobs' copying, without Spark, against the embedded AWS."""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import ddb_migration_construct.rehearsal as rehearsal
from ddb_migration.aws.bulk_books import Saved
from ddb_migration.aws.bulk_load import ItemsRejected, Load, LoadIncomplete
from ddb_migration.aws.bulk_readers import segment_unit
from ddb_migration.aws.export_files import ExportDamaged, ExportFile, ExportFiles
from ddb_migration.core.bulk_plan import BulkPlan, runs
from ddb_migration.core.control_record import MigrationStopped
from tests.aws.deployed import EXECUTION, Deployed
from tests.fakes.dynamodb import items_of
from tests.fakes.spark import FakeSpark

# Glue's own library is on no package index; the rehearsal brings a stand-in for its argument parsing.
sys.path.append(str(Path(rehearsal.__file__).parent / "glue_shim"))

UNITS = 6
ALL_TYPES: dict[str, Any] = {
    "s": {"S": "Ж\u0000"},
    "n": {"N": "12345678901234567890123456789012345678"},
    "b": {"B": b"\x00\xff"},
    "bool": {"BOOL": False},
    "null": {"NULL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2.5"]},
    "bs": {"BS": [b"\x00", b"\xff"]},
    "l": {"L": [{"B": b"\xfe"}, {"M": {}}]},
    "m": {"M": {"deep": {"L": [{"N": "1"}]}}},
}


@pytest.fixture(scope="module")
def direct() -> ModuleType:
    return importlib.import_module("direct_migration_job")


@pytest.fixture(scope="module")
def large() -> ModuleType:
    return importlib.import_module("large_migration_job")


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": f"k{number}"}, "sk": {"N": str(number)}, **more}


def fill(deployed: Deployed, count: int = 60) -> dict[str, dict[str, Any]]:
    for number in range(count):
        deployed.dynamodb.put_item(TableName=deployed.source, Item=item(number, **ALL_TYPES))
    return by_key(deployed, deployed.source)


def by_key(deployed: Deployed, table: str) -> dict[str, dict[str, Any]]:
    return {found["pk"]["S"]: _ordered(found) for found in items_of(deployed.dynamodb, table)}


def _ordered(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {kind: sorted(content) if kind in ("SS", "NS", "BS") else content}
        for name, value in found.items()
        for kind, content in value.items()
    }


def totals(load: Load) -> tuple[int, int, int]:
    done = load.checkpoints.done().values()
    read, rejected = sum(saved.items_read for saved in done), sum(saved.items_rejected for saved in done)
    return read, read - rejected, rejected


# --- direct ----------------------------------------------------------------------------------------------------


def test_every_item_of_every_type_is_copied_once(deployed: Deployed, direct: ModuleType) -> None:
    source = fill(deployed)
    deployed.open(BulkPlan(UNITS, 2))
    load = Load.of(deployed.arguments)
    written = sum(direct.copy_segments(load, share, 2) for share in runs(UNITS, 2, 2))
    assert (written, totals(load)) == (60, (60, 60, 0))
    assert by_key(deployed, deployed.destination) == source
    load.complete(segment_unit(segment) for segment in range(UNITS))
    assert load.checkpoints.is_complete
    assert direct.copy_segments(load, [list(range(UNITS))], 1) == 0, "nothing that is done is read again"


def test_all_tasks_share_the_rates_however_few_workers_spark_knows_of(
    direct: ModuleType, large: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parallelism is two when a job begins; twelve tasks with half of the rate each would take six times it."""
    shared: list[int] = []
    monkeypatch.setattr(direct, "copy_segments", _sharing(shared))
    monkeypatch.setattr(large, "copy_files", _sharing(shared))
    load: Any = SimpleNamespace(plan=BulkPlan(96, 12))
    files = [ExportFile(each, f"data/{each}", 1, "") for each in range(12)]
    assert direct.copy(FakeSpark(), load) == large.copy(FakeSpark(), load, "bucket", [[[file]] for file in files]) == 12
    assert shared == [12] * 24


def test_tasks_that_run_one_after_the_other_on_one_machine_share_no_rate(
    direct: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared: list[int] = []
    monkeypatch.setattr(direct, "copy_segments", _sharing(shared))
    spark, load = FakeSpark(), SimpleNamespace(plan=BulkPlan(96, 4))
    spark.master = "local[2]"
    assert direct.copy(spark, load) == 4
    assert shared == [2] * 4


def _sharing(shared: list[int]) -> Callable[..., int]:
    """A task that copies one item, and keeps how many share the rates: what it is told last."""

    def copied(*told: Any) -> int:
        shared.append(told[-1])
        return 1

    return copied


def test_a_load_with_a_unit_left_is_not_complete(deployed: Deployed, direct: ModuleType) -> None:
    fill(deployed, 5)
    deployed.open(BulkPlan(UNITS, 2))
    load = Load.of(deployed.arguments)
    direct.copy_segments(load, [[0, 1], [3, 4, 5]], 1)
    with pytest.raises(LoadIncomplete, match="1 units are not done, the first is segment#000002"):
        load.complete(segment_unit(segment) for segment in range(UNITS))
    assert not load.checkpoints.is_complete


def test_a_segment_goes_on_at_the_page_where_it_stopped(deployed: Deployed, direct: ModuleType) -> None:
    """The items are large, so that a segment has several pages of 1 MB."""
    for number in range(12):
        deployed.dynamodb.put_item(TableName=deployed.source, Item=item(number, s={"S": "x" * 300_000}))
    deployed.open(BulkPlan(1, 1))
    load = Load.of(deployed.arguments)
    first = deployed.dynamodb.scan(TableName=deployed.source, ConsistentRead=True)
    assert 0 < first["Count"] < 12
    load.checkpoints.save(segment_unit(0), Saved(False, json.dumps(first["LastEvaluatedKey"]), first["Count"]))
    assert direct.copy_segments(load, [[0]], 1) == 12 - first["Count"]
    skipped = {found["pk"]["S"] for found in first["Items"]}
    assert set(by_key(deployed, deployed.destination)) == {f"k{number}" for number in range(12)} - skipped
    assert load.checkpoints.read(segment_unit(0)) == Saved(True, None, 12)


def test_no_page_is_copied_behind_the_barrier(deployed: Deployed, direct: ModuleType) -> None:
    fill(deployed, 5)
    deployed.open(BulkPlan(1, 1))
    load = Load.of(deployed.arguments)
    deployed.control.set_once(EXECUTION, apply_started=1)
    with pytest.raises(MigrationStopped, match="no bulk write may follow"):
        direct.copy_segments(load, [[0]], 1)
    with pytest.raises(MigrationStopped, match="no bulk write may follow"):
        Load.of(deployed.arguments)
    assert by_key(deployed, deployed.destination) == {}


def test_a_run_of_an_old_epoch_stops(deployed: Deployed) -> None:
    deployed.open(BulkPlan(1, 1))
    with pytest.raises(MigrationStopped, match="epoch e0 has ended"):
        Load.of({**deployed.arguments, "epoch": "e0"})


def test_a_run_without_a_plan_stops(deployed: Deployed) -> None:
    deployed.control.open_epoch("e1", EXECUTION, "arn:stream", 0.0)
    with pytest.raises(MigrationStopped, match="start the state machine, not the job"):
        Load.of(deployed.arguments)


# --- large -----------------------------------------------------------------------------------------------------

MANIFEST = "export/manifest-summary.json"


def put(deployed: Deployed, key: str, body: bytes) -> None:
    deployed.s3.put_object(Bucket=deployed.name, Key=key, Body=body)


def write_export(deployed: Deployed, counts: list[int]) -> list[dict[str, Any]]:
    """An export of ours; returns the items."""
    items = [item(number, b={"B": "AP8="}) for number in range(sum(counts))]
    left, rows = list(items), []
    for position, count in enumerate(counts):
        lines, left = left[:count], left[count:]
        body = gzip.compress("".join(json.dumps({"Item": one}) + "\n" for one in lines).encode())
        key = f"export/data/{position}.json.gz"
        put(deployed, key, body)
        rows.append(
            {
                "dataFileS3Key": key,
                "itemCount": count,
                "md5Checksum": base64.b64encode(hashlib.md5(body).digest()).decode(),
            }
        )
    put(deployed, "export/manifest-files.json", "\n".join(map(json.dumps, rows)).encode())
    summary = {
        "exportArn": "arn:export",
        "manifestFilesS3Key": "export/manifest-files.json",
        "itemCount": sum(counts),
    }
    put(deployed, MANIFEST, json.dumps(summary).encode())
    return items


def test_every_file_is_copied_once(deployed: Deployed, large: ModuleType) -> None:
    write_export(deployed, [7, 0, 30])
    deployed.open(BulkPlan(0, 2, MANIFEST), export_arn="arn:export")
    load = Load.of(deployed.arguments)
    files = ExportFiles(deployed.s3, deployed.name).listed(MANIFEST, str(load.export_arn))
    assert large.copy_files(load, deployed.name, [files], 1) == 37
    copied = by_key(deployed, deployed.destination)
    assert set(copied) == {f"k{number}" for number in range(37)}
    assert all(found["b"] == {"B": b"\x00\xff"} for found in copied.values())
    load.complete(file.unit for file in files)
    assert large.copy_files(load, deployed.name, [files], 1) == 0
    assert totals(load) == (37, 37, 0)


@pytest.mark.parametrize(("disk", "cursors"), [(10**9, 4), (0, 1)])
def test_a_task_opens_as_many_files_as_its_disk_holds(
    deployed: Deployed, large: ModuleType, monkeypatch: pytest.MonkeyPatch, disk: int, cursors: int
) -> None:
    write_export(deployed, [5] * 8)
    export = ExportFiles(deployed.s3, deployed.name)
    files = export.listed(MANIFEST, "arn:export")
    monkeypatch.setattr("ddb_migration.core.bulk_plan.TASK_DISK_BYTES", disk)
    dealt = large.dealt_files(export, files, 2)
    assert [len(task) for task in dealt] == [cursors, cursors]
    assert sorted(file.position for task in dealt for run in task for file in run) == list(range(8))


def test_a_file_goes_on_at_the_item_where_it_stopped(deployed: Deployed, large: ModuleType) -> None:
    write_export(deployed, [10])
    deployed.open(BulkPlan(0, 1, MANIFEST), export_arn="arn:export")
    load = Load.of(deployed.arguments)
    (file,) = ExportFiles(deployed.s3, deployed.name).listed(MANIFEST, "arn:export")
    load.checkpoints.save(file.unit, Saved(False, '{"item":{"N":"6"}}', 6))
    assert large.copy_files(load, deployed.name, [[file]], 1) == 4
    assert set(by_key(deployed, deployed.destination)) == {f"k{number}" for number in range(6, 10)}


def test_a_damaged_file_is_not_marked_done(deployed: Deployed, large: ModuleType) -> None:
    write_export(deployed, [3, 4])
    deployed.open(BulkPlan(0, 1, MANIFEST), export_arn="arn:export")
    load = Load.of(deployed.arguments)
    files = ExportFiles(deployed.s3, deployed.name).listed(MANIFEST, "arn:export")
    put(deployed, files[1].key, gzip.compress(b'{"Item":{"pk":{"S":"stranger"},"sk":{"N":"1"}}}\n'))
    with pytest.raises(ExportDamaged, match="is not what DynamoDB wrote"):
        large.copy_files(load, deployed.name, [files], 1)
    assert set(load.checkpoints.done()) == {files[0].unit}
    assert "stranger" not in by_key(deployed, deployed.destination)
    with pytest.raises(LoadIncomplete):
        load.complete(file.unit for file in files)


def test_a_rejected_item_is_parked_and_counted(deployed: Deployed, large: ModuleType) -> None:
    items = write_export(deployed, [3])
    body = "".join(json.dumps({"Item": one}) + "\n" for one in [*items, {"pk": {"N": "1"}, "sk": {"N": "1"}}])
    packed = gzip.compress(body.encode())
    put(deployed, "export/data/0.json.gz", packed)
    deployed.open(BulkPlan(0, 1, MANIFEST), export_arn="arn:export")
    load = Load.of(deployed.arguments)
    (file,) = ExportFiles(deployed.s3, deployed.name).listed(MANIFEST, "arn:export")
    digest = base64.b64encode(hashlib.md5(packed).digest()).decode()
    changed = type(file)(file.position, file.key, 4, digest)
    assert large.copy_files(load, deployed.name, [[changed]], 1) == 3
    assert totals(load) == (4, 3, 1)
    assert deployed.control.parked("e1") == 1
    with pytest.raises(ItemsRejected, match=r"rejects 1 items and max_rejected_items is 0.*file#000000 \(1\)"):
        load.complete([file.unit])
    assert not load.checkpoints.is_complete
    accepting = Load.of({**deployed.arguments, "max_rejected_items": "1"})
    accepting.complete([file.unit])
    assert accepting.checkpoints.is_complete
