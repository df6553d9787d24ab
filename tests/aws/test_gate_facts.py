"""The gate's facts: each taken from where it stands, and the gate's word kept."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.control_table import ReverseControl
from ddb_migration.aws.gate_facts import Gate, verdict_of
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.progress import APPLY, CAPTURE, Progress
from ddb_migration.aws.tables import Tables
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.verify_report import Found, Repairs, Segment, TableCount, VerifyReport
from ddb_migration.core.watermark import mark
from tests.aws.changing import key_of
from tests.fakes.making import create_queue
from tests.functions.migration import PROCESSOR, QUEUE_ARN, WRITER, Migration

CLEAN = VerifyReport(
    epoch="e1",
    pass_id="1",
    stream_arn="arn:stream",
    began_at=1.0,
    ended_at=2.0,
    source=TableCount("arn:source", 3, 2.0),
    destination=TableCount("arn:destination", 3, 2.0),
    segments_planned=4,
    segments=(Segment(0, 1, 2, 2, "0a" * 16, "0a" * 16), Segment(2, 3, 1, 1, "0b" * 16, "0b" * 16)),
    found=Found(),
)


class Gated:
    """A migration at whose gate nothing speaks against cut-over."""

    def __init__(self) -> None:
        self.migration = Migration()
        self.migration.open()
        self.control = self.migration.control
        self.report: VerifyReport | None = CLEAN
        self.dead_letters = create_queue(self.migration.aws.sqs, "dead")
        self.write(verify_pass="1", verified_at=1.0)
        self.migration.mappings.ensure_stream(PROCESSOR, self.migration.stream_arn)
        self.migration.mappings.ensure_queue(WRITER, QUEUE_ARN, 100)
        for mapping in self.migration.aws.functions.mappings.values():
            mapping["State"] = "Enabled"
        self.saw(CAPTURE, 1.0)
        self.saw(APPLY, 2.0)

    @property
    def record(self) -> ControlRecord:
        return self.control.read()

    @property
    def gate(self) -> Gate:
        aws = self.migration.aws
        return Gate(
            control=self.control,
            tables=Tables(aws.dynamodb),
            mappings=Mappings(aws.functions),
            queue=self.migration.queue,
            dead_letter_queue=ChangeQueue(aws.sqs, self.dead_letters),
            source_arn=self.migration.source,
            stream_processor=PROCESSOR,
            write_cdc=WRITER,
            change_queue_arn=QUEUE_ARN,
            report=lambda epoch, verify_pass: self.report,
            clock=self.migration.clock,
        )

    def write(self, **values: Any) -> None:
        sets = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
        self.control.rows.update("migration", "record", sets, values)

    def saw(self, stage: str, age: float) -> None:
        progress = Progress(self.control.rows, str(self.record.epoch))
        progress.report(stage, "aa", {}, age, self.migration.clock())

    def send(self, url: str) -> None:
        entry = {"Id": "0", "MessageBody": "x", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
        self.migration.aws.sqs.send_message_batch(QueueUrl=url, Entries=[entry])

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.control.rows.get(f"gate#{self.record.epoch}", "last")["told"])
        return told

    def reason(self) -> str:
        (reason,) = self.gate.closed_because(self.record)
        return reason


@pytest.fixture
def gated() -> Gated:
    return Gated()


def test_open_and_on_record(gated: Gated) -> None:
    assert gated.gate.closed_because(gated.record) == ()
    assert gated.told == {"at": gated.migration.clock(), "reasons": [], "lag_seconds": 1.0, "accepted_sample": None}


def test_a_mapping_that_does_not_work_leaves_the_lag_unknown(gated: Gated) -> None:
    gated.migration.report_mapping(WRITER, "PROBLEM: Function call failed")
    assert "not known" in gated.reason()


def test_a_mapping_that_discards_changes_leaves_the_lag_unknown(gated: Gated) -> None:
    for mapping in gated.migration.aws.functions.mappings.values():
        mapping["TumblingWindowInSeconds"] = 60
    assert "not known" in gated.reason()


def test_a_pause_closes_it(gated: Gated) -> None:
    gated.control.pause("arn:ann", 0.0)
    for mapping in gated.migration.aws.functions.mappings.values():
        mapping["State"] = "Disabled"
    assert gated.reason().startswith("arn:ann paused the migration at 1970-01-01 00:00:00 UTC")
    gated.control.resume()
    assert "not known" in gated.reason()


def test_a_queue_without_a_reader_leaves_the_lag_unknown(gated: Gated) -> None:
    gated.migration.clock.sleep(600)
    gated.send(gated.migration.queue_url)
    assert "not known" in gated.reason()


def test_old_changes_are_lag(gated: Gated) -> None:
    gated.saw(CAPTURE, 300.0)
    assert "300 s behind" in gated.reason()


def test_dead_letters_count(gated: Gated) -> None:
    gated.send(gated.dead_letters)
    assert "1 change is in the dead-letter queue" in gated.reason()


def test_parked_keys_count_until_they_are_accepted(gated: Gated) -> None:
    epoch = str(gated.record.epoch)
    watermarks = Watermarks(gated.control.rows, gated.migration.stream_arn, gated.migration.clock)
    watermarks.park(key_of("k"), epoch, "too odd", mark("1"))
    assert "1 key is parked" in gated.reason()
    watermarks.accept(key_of("k"), epoch, "obsolete", "ann")
    assert gated.gate.closed_because(gated.record) == ()


def test_another_stream_is_seen(gated: Gated) -> None:
    table = gated.migration.aws.dynamodb.tables["source"]
    table.switch_stream({"StreamEnabled": False})
    assert "no stream" in gated.reason()
    table.switch_stream({"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
    assert "was replaced" in gated.gate.closed_because(gated.record)[-1]


def test_a_pass_without_a_report_has_no_result(gated: Gated) -> None:
    gated.report = None
    assert "verify pass 1 has no result yet" in gated.reason()


def test_a_table_never_verified_is_not(gated: Gated) -> None:
    gated.control.rows.update("migration", "record", "REMOVE #verify_pass, #verified_at", {})
    assert "not been verified" in gated.reason()


def test_a_loss_after_the_last_whole_pass_closes_it(gated: Gated) -> None:
    gated.write(incomplete="changes expired", incomplete_at=5.0)
    assert "changes may be missing (changes expired)" in gated.reason()
    gated.write(verified_at=6.0)
    assert gated.gate.closed_because(gated.record) == ()


def test_keys_that_stay_different_close_it(gated: Gated) -> None:
    stuck = {"key": "[]", "seen": "a/b", "since": 1.0, "judgements": 3, "may_repair": True}
    values = {"number": 1, "since": 1.0, "began": 2.0, "shards": 1, "suspects": [stuck]}
    partition = f"changed#{gated.record.epoch}"
    gated.control.rows.update(partition, "state", "SET #round = :round", {"round": json.dumps(values)})
    assert "1 key is still different" in gated.reason()


@pytest.mark.parametrize(
    ("report", "is_clean"),
    [
        (CLEAN, True),
        (replace(CLEAN, found=Found(missing=2), repairs=Repairs(2, 2, 3.0)), True),
        (replace(CLEAN, found=Found(missing=2), repairs=Repairs(2, 1, 3.0)), False),
        (replace(CLEAN, found=Found(unchecked=1)), False),
        (replace(CLEAN, segments=CLEAN.segments[:1]), False),
        (replace(CLEAN, sampled=0.01), True),
    ],
)
def test_the_verdict_is_that_of_the_report(report: VerifyReport, is_clean: bool) -> None:
    verdict = verdict_of(report)
    assert (verdict.is_clean, verdict.is_full) == (is_clean, report.sampled is None)


def test_a_sample_opens_it_by_name(gated: Gated) -> None:
    gated.report = replace(CLEAN, sampled=0.01)
    gated.control.rows.update("migration", "record", "REMOVE #verified_at", {})
    assert "sample of 1.00%" in gated.reason()
    gated.write(accepted_sample="1", accepted_by="arn:ann", cut_over_started=7.0)
    assert gated.gate.closed_because(gated.record) == ()
    assert gated.told["accepted_sample"] == {"pass": "1", "share": 0.01, "by": "arn:ann", "at": 7.0}


def test_an_acceptance_that_is_not_needed_is_not_told(gated: Gated) -> None:
    gated.write(accepted_sample="1", accepted_by="arn:ann", cut_over_started=7.0, verified_at=8.0)
    assert gated.gate.closed_because(gated.record) == ()
    assert gated.told["accepted_sample"] is None


def test_another_pass_than_the_accepted_one_closes_it_again(gated: Gated) -> None:
    gated.report = replace(CLEAN, pass_id="2", sampled=0.01)
    gated.control.rows.update("migration", "record", "REMOVE #verified_at", {})
    gated.write(accepted_sample="1", accepted_by="arn:ann", cut_over_started=7.0)
    assert "verify pass 2 read a sample" in gated.reason()
    assert gated.told["accepted_sample"] is None


def test_facts_are_looked_at_without_a_trace(gated: Gated) -> None:
    gated.gate.facts(gated.record)
    assert gated.control.rows.get(f"gate#{gated.record.epoch}", "last") == {}


# --- with a way back --------------------------------------------------------------------------------------------


@pytest.fixture
def backed(gated: Gated) -> Gated:
    """One whose reverse path has settled and works."""
    dynamodb = gated.migration.aws.dynamodb
    spec = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    dynamodb.update_table(TableName="destination", StreamSpecification=spec)
    stream = str(dynamodb.tables["destination"].description["LatestStreamArn"])
    gated.write(reverse_stream_arn=stream, reverse_captured_from=1.0, reverse_settled_at=301.0)
    gated.migration.mappings.ensure_stream("back", stream)
    gated.migration.mappings.ensure_queue("back-writer", "arn:back", 100)
    for mapping in gated.migration.aws.functions.mappings.values():
        mapping["State"] = "Enabled"
    return gated


def with_way_back(gated: Gated) -> Gate:
    aws = gated.migration.aws
    reverse = replace(
        gated.gate,
        control=ReverseControl(aws.dynamodb, "control"),
        source_arn=gated.migration.destination,
        stream_processor="back",
        write_cdc="back-writer",
        change_queue_arn="arn:back",
        queue=ChangeQueue(aws.sqs, create_queue(aws.sqs, "back")),
    )
    return replace(gated.gate, reverse=reverse)


def test_a_way_back_in_order_leaves_the_gate_open(backed: Gated) -> None:
    assert with_way_back(backed).closed_because(backed.record) == ()


def test_without_a_settled_way_back_there_is_no_cut_over(backed: Gated) -> None:
    backed.control.rows.update("migration", "record", "REMOVE #reverse_settled_at", {})
    (reason,) = with_way_back(backed).closed_because(backed.record)
    assert "has not settled" in reason


def test_with_a_broken_way_back_there_is_no_cut_over(backed: Gated) -> None:
    backed.migration.report_mapping("back", "PROBLEM: Function call failed")
    (reason,) = with_way_back(backed).closed_because(backed.record)
    assert "a problem with a mapping of the reverse path" in reason


def test_with_another_stream_of_the_destination_there_is_no_cut_over(backed: Gated) -> None:
    for spec in ({"StreamEnabled": False}, {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}):
        backed.migration.aws.dynamodb.update_table(TableName="destination", StreamSpecification=spec)
    (reason,) = with_way_back(backed).closed_because(backed.record)
    assert "the destination's stream was replaced" in reason
