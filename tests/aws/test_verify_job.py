"""VerifyJob against the embedded AWS, with a stand-in for Spark."""

from __future__ import annotations

import base64
import importlib
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import ddb_migration_construct.rehearsal as rehearsal
from ddb_migration.aws import verify_task
from ddb_migration.aws.bulk_readers import SegmentReader
from ddb_migration.aws.verify_pass import VerifyPass
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.bulk_plan import BulkPlan
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.item_key import key_of
from ddb_migration.core.verify_report import DIFFERENT, EQUAL, EXTRA, MISSING, UNEQUAL, VerifyReport
from tests.aws.deployed import EXECUTION, Deployed
from tests.fakes.spark import FakeSpark

# Glue's own library is on no package index; the rehearsal brings a stand-in for its argument parsing.
sys.path.append(str(Path(rehearsal.__file__).parent / "glue_shim"))

Item = dict[str, Any]
ITEMS, TASKS = 120, 4
SETTLE_SECONDS = 0.4


@pytest.fixture(scope="module")
def job() -> ModuleType:
    return importlib.import_module("verify_job")


def item(number: int) -> Item:
    return {
        "pk": {"S": f"k{number}"},
        "sk": {"N": str(number)},
        "n": {"N": "1"},
        "set": {"SS": ["a", "b", "c"]},
        "bytes": {"B": b"\x00\x01\x02"},
        "map": {"M": {"deep": {"L": [{"N": "1"}, {"M": {"x": {"S": "},{"}}}]}}},
        "null": {"NULL": True},
    }


@pytest.fixture
def filled(deployed: Deployed) -> Deployed:
    """Two equal tables behind a barrier."""
    deployed.open(BulkPlan(1, TASKS), apply_started=1, barrier_at=2)
    for number in range(ITEMS):
        for table in (deployed.source, deployed.destination):
            deployed.dynamodb.put_item(TableName=table, Item=item(number))
    return deployed


def this_pass(deployed: Deployed, pass_id: str = "1", **more: str) -> VerifyPass:
    arguments = {
        "migration_name": deployed.arguments["migration_name"],
        "control_table": deployed.arguments["control_table"],
        "source_table": deployed.source,
        "destination_table": deployed.destination,
        "destination_role": deployed.arguments["destination_role"],
        "bucket": deployed.name,
        "change_queue": deployed.queue_url,
        "epoch": "e1",
        "pass_id": pass_id,
        "sample": "100%",
        "settle_seconds": str(SETTLE_SECONDS),
    }
    return VerifyPass.of({**arguments, **more})


def change(deployed: Deployed, number: int, **attributes: Any) -> None:
    """Put another version of an item into the destination; None takes an attribute away."""
    changed = {name: value for name, value in {**item(number), **attributes}.items() if value is not None}
    deployed.dynamodb.put_item(TableName=deployed.destination, Item=changed)


def delete(deployed: Deployed, table: str, number: int) -> None:
    deployed.dynamodb.delete_item(TableName=table, Key={name: item(number)[name] for name in ("pk", "sk")})


def found(report: VerifyReport) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {str(row.key["pk"]["S"]): (row.kind, row.attributes) for row in report.differences}


def objects_of(deployed: Deployed) -> list[str]:
    listed = deployed.s3.list_objects_v2(Bucket=deployed.name, Prefix="verify/").get("Contents", [])
    return [row["Key"] for row in listed]


def test_ten_kinds_of_difference_and_none_invented(filled: Deployed, job: ModuleType) -> None:
    delete(filled, filled.destination, 1)
    filled.dynamodb.put_item(TableName=filled.destination, Item=item(ITEMS + 1))
    change(filled, 3, n={"N": "2"})
    change(filled, 4, n={"S": "1"})
    change(filled, 5, set={"SS": ["c", "b", "a"]})
    change(filled, 6, n={"N": "1.0"})
    change(filled, 7, bytes={"B": b"\x00\x01\x03"})
    change(filled, 8, map={"M": {"deep": {"L": [{"N": "1"}, {"M": {"x": {"S": "},}"}}}]}}})
    change(filled, 9, null=None)
    delete(filled, filled.source, 10)
    report = job.verify(FakeSpark(), this_pass(filled))
    assert found(report) == {
        "k1": (MISSING, ()),
        f"k{ITEMS + 1}": (EXTRA, ()),
        "k3": (DIFFERENT, ("n",)),
        "k4": (DIFFERENT, ("n",)),
        "k7": (DIFFERENT, ("bytes",)),
        "k8": (DIFFERENT, ("map",)),
        "k9": (DIFFERENT, ("null",)),
        "k10": (EXTRA, ()),
    }
    assert (report.verdict, report.is_whole, report.source.items, report.destination.items) == (
        UNEQUAL,
        True,
        ITEMS - 1,
        ITEMS,
    )
    assert (report.found.missing, report.found.extra, report.found.different) == (1, 2, 5)
    assert objects_of(filled) == ["verify/e1/1/report.html", "verify/e1/1/report.json"]
    text = filled.s3.get_object(Bucket=filled.name, Key="verify/e1/1/report.json")["Body"].read().decode()
    assert VerifyReport.from_text(text) == report
    assert base64.b64encode(b"\x00\x01\x03").decode() not in text
    assert filled.control.read().verified_at is None


def test_equal_tables_are_verified_without_a_shuffle_or_a_second_look(filled: Deployed, job: ModuleType) -> None:
    spark = FakeSpark()
    report = job.verify(spark, this_pass(filled))
    assert (report.verdict, report.is_clean, report.generations, spark.shuffled_bytes) == (EQUAL, True, (), 0)
    assert all(row.source_digest == row.destination_digest for row in report.segments)
    record = filled.control.read()
    assert (record.verify_pass, record.verified_at) == ("1", report.began_at)
    assert report.source.read_units > 0 < report.destination.read_units


def test_all_tasks_share_the_rates_however_few_workers_spark_knows_of(
    filled: Deployed, job: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its parallelism is two when a job begins."""
    shared: list[int] = []

    def match(this: VerifyPass, total: int, runs: Any, tasks: int) -> None:
        shared.append(tasks)
        verify_task.match_segments(this, total, runs, tasks)

    monkeypatch.setattr(job, "match_segments", match)
    assert job.verify(FakeSpark(), this_pass(filled)).is_clean
    assert shared == [TASKS] * TASKS


def test_the_same_count_and_one_altered_item(filled: Deployed, job: ModuleType) -> None:
    change(filled, 77, n={"N": "2"})
    assert found(job.verify(FakeSpark(), this_pass(filled))) == {"k77": (DIFFERENT, ("n",))}


def without_times(report: VerifyReport) -> VerifyReport:
    generations = tuple(replace(each, at=0.0, lag_seconds=None) for each in report.generations[:1])
    counts = [replace(table, read_units=0.0) for table in (report.source, report.destination)]
    return replace(
        report,
        began_at=0.0,
        ended_at=0.0,
        units_skipped=0,
        generations=generations,
        pass_id="",
        source=counts[0],
        destination=counts[1],
    )


def test_a_pass_that_was_killed_half_way_goes_on_and_gives_the_same_report(
    filled: Deployed, job: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(filled, 3, n={"N": "2"})
    delete(filled, filled.destination, 1)
    whole = job.verify(FakeSpark(), this_pass(filled))
    real, tasks = verify_task.match_segments, iter(range(99))

    def killed(*given: Any) -> None:
        if next(tasks) == 2:
            raise RuntimeError("killed")
        real(*given)

    monkeypatch.setattr(job, "match_segments", killed)
    with pytest.raises(Exception, match="killed"):
        job.verify(FakeSpark(), this_pass(filled, "2"))
    kept = [key for key in objects_of(filled) if "/2/segments/" in key]
    assert kept
    monkeypatch.setattr(job, "match_segments", real)
    report = job.verify(FakeSpark(), this_pass(filled, "2"))
    assert report.units_skipped == len(kept)
    assert without_times(report) == without_times(whole)


def test_a_key_that_the_source_lost_to_time_to_live_is_no_difference(filled: Deployed, job: ModuleType) -> None:
    filled.dynamodb.update_time_to_live(
        TableName=filled.source, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    expired = {"until": {"N": "1700000000"}}
    change(filled, 500, **expired)
    change(filled, 3, **expired)
    report = job.verify(FakeSpark(), this_pass(filled))
    assert found(report) == {"k3": (DIFFERENT, ("until",))}
    assert report.found.expired == 1


def test_what_is_parked_or_accepted_is_counted_apart(filled: Deployed, job: ModuleType) -> None:
    for number in (1, 2, 3):
        delete(filled, filled.destination, number)
    marks = Watermarks(filled.control.rows, str(filled.control.read().stream_arn), time.time)
    for number in (1, 2):
        marks.park(key_of(item(number), ("pk", "sk")), "e1", "it is too large")
    assert marks.accept(key_of(item(2), ("pk", "sk")), "e1", "a test item", "an operator")
    report = job.verify(FakeSpark(), this_pass(filled))
    assert found(report) == {"k3": (MISSING, ())}
    assert (report.found.parked, report.found.accepted, report.standing) == (1, 1, 1)


def test_a_sample_reads_its_share_and_verifies_nothing(filled: Deployed, job: ModuleType) -> None:
    report = job.verify(FakeSpark(), this_pass(filled, "sample", sample="25%"))
    assert report.sampled == 0.25
    assert 0 < report.source.items < ITEMS / 2
    assert (report.verdict, report.is_clean) == (EQUAL, False)
    assert filled.control.read().verified_at is None


def test_tables_that_are_split_otherwise_are_matched_all_the_same(
    filled: Deployed, job: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB does not promise that two tables hash a key alike."""
    read = SegmentReader.read

    def turned(self: Any, unit: str, *more: Any) -> None:
        turn = 5 if self._port._requests.source == filled.destination else 0
        number = (int(unit.rpartition("#")[2]) + turn) % self._total
        read(self, f"segment#{number:06d}", *more)

    monkeypatch.setattr(SegmentReader, "read", turned)
    change(filled, 3, n={"N": "2"})
    spark = FakeSpark()
    report = job.verify(spark, this_pass(filled))
    assert found(report) == {"k3": (DIFFERENT, ("n",))}
    assert spark.shuffled_bytes == 2 * ITEMS * 17
    assert report.generations[0].keys == 1


@pytest.mark.parametrize("record", [{"status": "closed"}, {"epoch": "e2"}])
def test_a_pass_of_another_epoch_does_not_begin(filled: Deployed, record: Mapping[str, str]) -> None:
    if "status" in record:
        filled.control.begin_abort(str(filled.control.read().epoch))
        filled.control.close(str(filled.control.read().epoch))
    with pytest.raises(MigrationStopped):
        this_pass(filled, **({"epoch": "e0"} if "epoch" in record else {}))


def test_nothing_is_verified_before_the_barrier(deployed: Deployed) -> None:
    deployed.open(BulkPlan(1, 1))
    with pytest.raises(MigrationStopped, match="the barrier has not been passed"):
        this_pass(deployed)
    assert deployed.control.read().execution == EXECUTION
