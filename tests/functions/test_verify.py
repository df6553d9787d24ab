"""The states Verify and Repair."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ddb_migration.aws.verify_objects import VerifyObjects
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.message import decode
from ddb_migration.core.verify_plan import VerifyPlan
from ddb_migration.core.verify_report import (
    DIFFERENT,
    EXTRA,
    MISSING,
    Difference,
    Found,
    Repairs,
    Segment,
    TableCount,
    VerifyReport,
)
from enable_trigger import repair, verify
from enable_trigger.repair import LOOK_SECONDS, MOST_LOOKS, MOST_WITHOUT_PASS
from tests.functions.migration import EXECUTION, Caller, Migration

DIFFERENCES = {kind: Difference(kind, {"pk": {"S": kind}}) for kind in (MISSING, EXTRA, DIFFERENT)}


@pytest.fixture
def drained(migration: Migration) -> Migration:
    migration.open(apply_started=1, barrier_at=2, drained_at=3)
    return migration


def objects(migration: Migration, pass_id: str = "1") -> VerifyObjects:
    return migration.parts().verify_objects(str(migration.control.read().epoch), pass_id)


def report_of(migration: Migration, *kinds: str, pass_id: str = "1", **told: Any) -> VerifyReport:
    record = migration.control.read()
    report = VerifyReport(
        epoch=str(record.epoch),
        pass_id=pass_id,
        stream_arn=str(record.stream_arn),
        began_at=100.0,
        ended_at=200.0,
        source=TableCount(migration.source, 3, 1.0),
        destination=TableCount(migration.destination, 3, 1.0),
        segments_planned=1,
        segments=(Segment(0, 0, 3, 3, "0", "1"),),
        found=Found(**dict.fromkeys(kinds, 1)),
        differences=tuple(DIFFERENCES[kind] for kind in kinds),
    )
    return replace(report, **told)


def ended(migration: Migration, *kinds: str, **told: Any) -> VerifyReport:
    """A pass that the job has ended."""
    report = report_of(migration, *kinds, **told)
    Caller(migration, verify.run).once()
    objects(migration, report.pass_id).keep_report(report)
    return report


def put(migration: Migration, table: str, key: str, value: str = "a") -> None:
    migration.aws.dynamodb.put_item(TableName=table, Item={"pk": {"S": key}, "v": {"S": value}})


def sent(migration: Migration) -> list[str]:
    return [message.body for message in migration.aws.sqs.queues[migration.queue_url].messages]


def apply_rereads(migration: Migration) -> list[str]:
    """Do what WriteCdc does with the rereads in the queue; return their keys."""
    applied = []
    for message in sent(migration):
        key = decode(message).key
        item = migration.aws.dynamodb.get_item(TableName=migration.source, Key=key).get("Item")
        if item:
            migration.aws.dynamodb.put_item(TableName=migration.destination, Item=item)
        else:
            migration.aws.dynamodb.delete_item(TableName=migration.destination, Key=key)
        applied.append(str(key["pk"]["S"]))
    return sorted(applied)


# --- Verify ----------------------------------------------------------------------------------------------------


def test_an_epoch_begins_with_the_first_pass(drained: Migration) -> None:
    answer = Caller(drained, verify.run).once()
    assert (answer["pass_id"], answer["needed"], answer["epoch"]) == ("1", True, drained.control.read().epoch)


def test_a_pass_that_did_not_end_is_gone_on_with(drained: Migration) -> None:
    for _ in range(2):
        assert Caller(drained, verify.run).once()["pass_id"] == "1"
    ended(drained, DIFFERENT)
    assert Caller(drained, verify.run).once()["pass_id"] == "1", "repair has not ended"


def test_after_a_pass_that_ended_unclean_there_is_another(drained: Migration) -> None:
    ended(drained, EXTRA, repairs=Repairs(ended_at=300.0))
    objects(drained, "2").keep_report(report_of(drained, pass_id="2"))
    answer = Caller(drained, verify.run).once()
    assert (answer["pass_id"], answer["needed"]) == ("3", True)


def test_an_epoch_that_is_verified_needs_no_pass(drained: Migration) -> None:
    ended(drained)
    assert Caller(drained, repair.run).once()["done"]
    assert Caller(drained, verify.run).once()["needed"] is False


@pytest.mark.parametrize("state", [verify, repair])
def test_nothing_is_done_while_the_migration_pauses(drained: Migration, state: Any) -> None:
    ended(drained, DIFFERENT)
    drained.control.set_once(EXECUTION, paused=True, paused_by="me", paused_since=1.0)
    answer = Caller(drained, state.run).once()
    assert (answer["done"], answer["paused"]) == (False, True)
    assert sent(drained) == []


# --- Repair ----------------------------------------------------------------------------------------------------


def test_a_look_that_takes_too_long_goes_on_at_the_next(drained: Migration) -> None:
    """The function has 60 s; items of 400 KB at a low rate are few in that time."""
    kinds = tuple(Difference(DIFFERENT, {"pk": {"S": f"k{place}"}}) for place in range(12))
    ended(drained, DIFFERENT, found=Found(different=12), differences=kinds)
    drained.control.set_rates({"max_read_units_per_second": 10.0})
    for place in range(12):
        put(drained, drained.source, f"k{place}", "a" * 390_000)
    caller = Caller(drained, repair.run)
    caller.once()
    apply_rereads(drained)
    standing = []
    for _ in range(12):
        began = drained.clock()
        answer = caller.once()
        assert drained.clock() - began < 45
        standing.append(answer["standing"])
        if answer["done"]:
            break
    assert standing[0] > 0
    assert (answer["verdict"], standing[-1]) == ("equal", 0)


def test_a_clean_pass_has_verified_the_epoch(drained: Migration) -> None:
    ended(drained)
    answer = Caller(drained, repair.run).once()
    assert (answer["done"], answer["verify_again"], answer["verdict"]) == (True, False, "equal")
    assert drained.control.read().verified_at == 100.0
    assert sent(drained) == []


def test_what_is_missing_or_different_is_read_again_until_it_is_equal(drained: Migration) -> None:
    ended(drained, MISSING, DIFFERENT)
    put(drained, drained.source, MISSING)
    put(drained, drained.source, DIFFERENT)
    put(drained, drained.destination, DIFFERENT, "b")
    caller = Caller(drained, repair.run)
    assert caller.once()["wait_seconds"] == LOOK_SECONDS
    assert not caller.once()["done"]
    assert apply_rereads(drained) == [DIFFERENT, MISSING]
    answer = caller.once()
    assert (answer["done"], answer["found"], answer["repaired"], answer["standing"]) == (True, 2, 2, 0)
    record = drained.control.read()
    assert (record.verified_at, record.verify_repairs) == (100.0, 2)
    report = objects(drained).report()
    assert report is not None
    assert (report.found.differences, report.differences, report.is_clean) == (2, (), True)


def test_an_extra_item_stays_and_keeps_the_epoch_unverified(drained: Migration) -> None:
    ended(drained, EXTRA)
    put(drained, drained.destination, EXTRA)
    answer = Caller(drained, repair.run).once()
    assert (answer["done"], answer["verify_again"], answer["standing"]) == (True, False, 1)
    assert sent(drained) == []
    assert drained.control.read().verified_at is None


def test_an_extra_item_goes_where_that_is_asked_for(drained: Migration) -> None:
    drained.settings["repair_extra"] = True
    ended(drained, EXTRA)
    put(drained, drained.destination, EXTRA)
    caller = Caller(drained, repair.run)
    caller.once()
    assert apply_rereads(drained) == [EXTRA]
    assert caller.once()["repaired"] == 1
    assert drained.control.read().verified_at == 100.0


def test_what_stays_different_ends_unverified_and_does_not_fail(drained: Migration) -> None:
    ended(drained, DIFFERENT)
    put(drained, drained.source, DIFFERENT)
    caller = Caller(drained, repair.run)
    answer = caller.until_done()
    assert (answer["standing"], answer["verify_again"]) == (1, False)
    assert len(caller.waits) == MOST_LOOKS + 1
    assert drained.control.read().verified_at is None


@pytest.mark.parametrize("by", [None, "an operator"])
def test_what_the_destination_rejects_is_left_to_the_list_it_is_in(drained: Migration, by: str | None) -> None:
    ended(drained, MISSING, DIFFERENT)
    put(drained, drained.source, MISSING)
    caller = Caller(drained, repair.run)
    caller.once()
    list_key(drained, MISSING, by)
    answer = caller.once()
    assert (answer["done"], answer["repaired"], answer["standing"], answer["verdict"]) == (True, 1, 0, "equal")
    assert drained.control.read().verified_at == 100.0
    report = objects(drained).report()
    assert report is not None
    assert report.repairs.listed == 1


def test_a_list_of_another_epoch_says_nothing_of_this_one(drained: Migration) -> None:
    ended(drained, MISSING)
    put(drained, drained.source, MISSING)
    list_key(drained, MISSING, None, epoch="e0")
    assert Caller(drained, repair.run).until_done()["standing"] == 1


def list_key(migration: Migration, key: str, by: str | None, epoch: str | None = None) -> None:
    """Park a key, and accept it by somebody's name."""
    record, item_key = migration.control.read(), {"pk": {"S": key}}
    marks = Watermarks(migration.control.rows, str(record.stream_arn), migration.parts().clock)
    marks.park(item_key, epoch or str(record.epoch), "it is too large")
    if by is not None:
        assert marks.accept(item_key, str(record.epoch), "a test item", by)


def test_many_differences_ask_for_another_pass(drained: Migration) -> None:
    keys = [f"k{number}" for number in range(MOST_WITHOUT_PASS + 1)]
    differences = tuple(Difference(MISSING, {"pk": {"S": key}}) for key in keys)
    ended(drained, found=Found(missing=len(keys)), differences=differences)
    for key in keys:
        put(drained, drained.source, key)
    caller = Caller(drained, repair.run)
    caller.once()
    assert len(apply_rereads(drained)) == len(keys)
    assert caller.once()["verify_again"] is True
    record = drained.control.read()
    assert (record.verify_pass, record.verified_at) == ("2", None)
    assert Caller(drained, verify.run).once()["pass_id"] == "2"


def test_a_pass_that_could_not_look_at_all_asks_for_another_but_not_for_ever(drained: Migration) -> None:
    ended(drained, found=Found(unchecked=1))
    assert Caller(drained, repair.run).once()["verify_again"] is True
    for pass_id in ("2", "3"):
        ended(drained, found=Found(unchecked=1), pass_id=pass_id)
        assert Caller(drained, repair.run).once()["verify_again"] is (pass_id == "2")
    assert drained.control.read().verified_at is None


def test_an_answer_that_was_lost_is_given_again(drained: Migration) -> None:
    ended(drained, found=Found(unchecked=1))
    for _ in range(2):
        assert Caller(drained, repair.run).once()["verify_again"] is True
    assert drained.control.read().verify_pass == "2"


def test_a_pass_by_hand_that_finds_differences_takes_the_verification_back(drained: Migration) -> None:
    ended(drained)
    Caller(drained, repair.run).once()
    drained.control.note_verify(report_of(drained, EXTRA, pass_id="by-hand"))
    record = drained.control.read()
    assert (record.verified_at, record.verify_pass) == (None, "by-hand")


def test_a_clean_sample_verifies_nothing_and_takes_nothing_back(drained: Migration) -> None:
    drained.control.note_verify(report_of(drained, sampled=0.01))
    assert drained.control.read().verified_at is None
    drained.control.note_verify(report_of(drained))
    drained.control.note_verify(report_of(drained, sampled=0.01, pass_id="sample"))
    assert drained.control.read().verified_at == 100.0


def test_a_report_of_another_epoch_is_refused(drained: Migration) -> None:
    with pytest.raises(Exception, match="epoch e0 has ended"):
        drained.control.note_verify(report_of(drained, epoch="e0"))
    assert drained.control.read().execution == EXECUTION


def test_the_page_lies_beside_the_report_and_stays(drained: Migration) -> None:
    report = report_of(drained)
    objects = drained.parts().verify_objects(report.epoch, report.pass_id)
    objects.keep_report(report)
    objects.keep_plan(VerifyPlan(1.0, 4, 1))
    objects.delete_work()
    kept = drained.aws.s3.buckets["bucket"]
    prefix = f"verify/{report.epoch}/{report.pass_id}/"
    assert {key for key in kept if key.startswith(prefix)} == {f"{prefix}report.json", f"{prefix}report.html"}
    assert kept[f"{prefix}report.html"].startswith(b"<!doctype html>")
    assert objects.report() == report
