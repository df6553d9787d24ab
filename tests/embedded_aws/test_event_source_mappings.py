"""The own pollers; what a function saw is told by the rows it writes to a table."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ddb_migration_construct.rehearsal.deployment import deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws
from tests.embedded_aws.running import until
from tests.embedded_aws.templates import (
    attribute,
    fifo_queue,
    function,
    outputs,
    reference,
    role,
    streamed_table,
    table,
    write_assembly,
)

_READ_STREAM = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
_READ_QUEUE = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]

# Records each batch; a key or body that starts with "bad" fails until the plan table says otherwise.
_HANDLER = """
import boto3, json, os, time

dynamodb = boto3.client("dynamodb")

def name(record):
    return record["body"] if "body" in record else record["dynamodb"]["Keys"]["pk"]["S"]

def number(record):
    return record["messageId"] if "body" in record else record["dynamodb"]["SequenceNumber"]

def handler(event, context):
    began = time.time()
    time.sleep(float(os.environ.get("SECONDS", "0")))
    names = [name(record) for record in event["Records"]]
    seen = {"pk": {"S": f"{time.time():.6f}"}, "names": {"S": json.dumps(names)},
            "began": {"N": str(began)}, "ended": {"N": str(time.time())}, "pid": {"N": str(os.getpid())}}
    dynamodb.put_item(TableName=os.environ["SEEN"], Item=seen)
    healed = dynamodb.get_item(TableName=os.environ["SEEN"], Key={"pk": {"S": "healed"}}, ConsistentRead=True)
    bad = [] if "Item" in healed else [r for r in event["Records"] if name(r).startswith("bad")]
    if bad and os.environ.get("MODE") == "raise":
        raise RuntimeError("bad record")
    return {"batchItemFailures": [{"itemIdentifier": number(r)} for r in bad]}
"""


class Mapped:
    """A source, a function and what it has seen."""

    def __init__(self, aws: EmbeddedAws, deployed: dict[str, str]) -> None:
        self.deployed = deployed
        self.functions = aws.client("lambda")
        self.dynamodb = aws.client("dynamodb")
        self.sqs = aws.client("sqs")
        self._numbers = itertools.count()

    def map_stream(self, position: str = "TRIM_HORIZON", **rest: Any) -> str:
        return self._map(EventSourceArn=self.deployed["Stream"], StartingPosition=position, **rest)

    def map_queue(self, **rest: Any) -> str:
        return self._map(EventSourceArn=self.deployed["QueueArn"], **rest)

    def _map(self, **given: Any) -> str:
        made = self.functions.create_event_source_mapping(
            FunctionName=self.deployed["Function"],
            **{"FunctionResponseTypes": ["ReportBatchItemFailures"], **given},
        )
        return str(made["UUID"])

    def put(self, *keys: str) -> None:
        for key in keys:
            self.dynamodb.put_item(TableName=self.deployed["Source"], Item={"pk": {"S": key}})

    def send(self, *bodies: str, group: str | None = None) -> None:
        for body in bodies:
            self.sqs.send_message(
                QueueUrl=self.deployed["Queue"],
                MessageBody=body,
                MessageGroupId=group or body,
                MessageDeduplicationId=str(next(self._numbers)),
            )

    def heal(self) -> None:
        self.dynamodb.put_item(TableName=self.deployed["Seen"], Item={"pk": {"S": "healed"}})

    def batches(self) -> list[list[str]]:
        return [json.loads(row["names"]["S"]) for row in self.rows()]

    def rows(self) -> list[dict[str, Any]]:
        rows = self.dynamodb.scan(TableName=self.deployed["Seen"], ConsistentRead=True)["Items"]
        return sorted((row for row in rows if "names" in row), key=lambda row: float(row["began"]["N"]))

    def state(self, mapping: str) -> str:
        return str(self.functions.get_event_source_mapping(UUID=mapping)["State"])


def _deployed(aws: EmbeddedAws, assembly: Path, stack_name: str, visibility: int = 3, **environment: str) -> Mapped:
    reader = role(
        "lambda.amazonaws.com",
        (_READ_STREAM, attribute("Source", "StreamArn")),
        (_READ_QUEUE, attribute("Queue")),
        (["dynamodb:PutItem", "dynamodb:GetItem"], attribute("Seen")),
    )
    variables = {"SEEN": reference("Seen"), **environment}
    template = {
        "Resources": {
            "Source": streamed_table(),
            "Seen": table(),
            "Queue": fifo_queue(visibility),
            "Reader": reader,
            "Function": function("Reader", _HANDLER, variables, Timeout=3),
        },
        "Outputs": outputs(
            Source=reference("Source"),
            Stream=attribute("Source", "StreamArn"),
            Queue=reference("Queue"),
            QueueArn=attribute("Queue"),
            Seen=reference("Seen"),
            Function=reference("Function"),
        ),
    }
    return Mapped(aws, deploy(aws, write_assembly(assembly, stack_name, template), stack_name))


def test_a_stream_resumes_at_the_lowest_failure(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    mapped = _deployed(aws, assembly, stack_name)
    mapped.put("a", "b", "bad", "c")
    mapped.map_stream(BatchSize=1000)
    until(lambda: mapped.batches()[:2] == [["a", "b", "bad", "c"], ["bad", "c"]])
    mapped.heal()
    mapped.put("d")
    until(lambda: mapped.batches()[-1][-1] == "d")
    seen = mapped.batches()
    assert {tuple(batch) for batch in seen[1:-2]} <= {("bad", "c")}
    assert seen[-1] == ["d"]


@pytest.mark.slow
def test_a_stream_batch_is_bisected_and_given_up(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    mapped = _deployed(aws, assembly, stack_name, MODE="raise")
    mapped.put("a", "b", "bad", "c")
    mapped.map_stream(BatchSize=100, BisectBatchOnFunctionError=True, MaximumRetryAttempts=2)
    until(lambda: ["c"] in mapped.batches())
    assert ["a", "b"] in mapped.batches()
    assert mapped.batches().count(["bad"]) >= 1
    mapped.put("d")
    until(lambda: mapped.batches()[-1] == ["d"])


@pytest.mark.slow
def test_a_disabled_stream_mapping_keeps_its_place(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    mapped = _deployed(aws, assembly, stack_name)
    mapped.put("a")
    mapping = mapped.map_stream()
    until(lambda: mapped.batches() == [["a"]])
    mapped.functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    until(lambda: mapped.state(mapping) == "Disabled")
    mapped.put("b")
    time.sleep(0.7)
    assert mapped.batches() == [["a"]]
    mapped.functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    until(lambda: mapped.batches() == [["a"], ["b"]])
    mapped.functions.delete_event_source_mapping(UUID=mapping)
    mapped.map_stream("TRIM_HORIZON")
    until(lambda: mapped.batches()[2:] == [["a", "b"]])


@pytest.mark.slow
def test_latest_starts_at_the_end(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    mapped = _deployed(aws, assembly, stack_name)
    mapped.put("a")
    mapped.map_stream("LATEST")
    time.sleep(1.0)
    mapped.put("b")
    until(lambda: mapped.batches() == [["b"]])


def test_a_queue_has_several_batches_in_flight(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    mapped = _deployed(aws, assembly, stack_name, visibility=30, SECONDS="0.5")
    mapped.send(*(f"m{number}" for number in range(8)))
    mapped.map_queue(BatchSize=1, ScalingConfig={"MaximumConcurrency": 4})
    rows = until(lambda: rows if len(rows := mapped.rows()) == 8 else None)
    spans = [(float(row["began"]["N"]), float(row["ended"]["N"])) for row in rows]
    most = max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)
    assert 2 <= most <= 4
    assert len({row["pid"]["N"] for row in rows}) >= most


@pytest.mark.slow
def test_a_queue_keeps_the_order_of_a_group(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    mapped = _deployed(aws, assembly, stack_name)
    mapped.send("a", "bad", group="g")
    mapped.send("x", group="other")
    mapped.map_queue(BatchSize=1)
    until(lambda: ["x"] in mapped.batches() and mapped.batches().count(["bad"]) >= 2)
    mapped.heal()
    mapped.send("c", group="g")
    until(lambda: ["c"] in mapped.batches())
    until(lambda: _left(mapped) == 0)
    order = [name for batch in mapped.batches() for name in batch if name != "x"]
    assert [name for name, _ in itertools.groupby(order)] == ["a", "bad", "c"]


def _left(mapped: Mapped) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    given = mapped.sqs.get_queue_attributes(QueueUrl=mapped.deployed["Queue"], AttributeNames=names)
    return sum(map(int, given["Attributes"].values()))


@pytest.mark.slow
def test_only_what_succeeded_leaves_the_queue(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    mapped = _deployed(aws, assembly, stack_name)
    mapped.send("a", "bad", "c")
    mapped.map_queue(BatchSize=10)
    until(lambda: ["bad"] in mapped.batches())
    assert _left(mapped) == 1
    mapped.heal()
    until(lambda: _left(mapped) == 0)


def test_a_mapping_is_checked_as_it_is_created(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    mapped = _deployed(aws, assembly, stack_name, visibility=1)
    with pytest.raises(ClientError, match="Queue visibility timeout: 1 seconds is less than Function timeout"):
        mapped.map_queue()
    identifier = mapped.map_stream(Enabled=False)
    with pytest.raises(ClientError, match=f"ResourceConflictException.*{identifier}"):
        mapped.map_stream()


@pytest.mark.slow
def test_a_disabled_mapping_finishes_its_batch(aws: EmbeddedAws, assembly: Path, stack_name: str) -> None:
    mapped = _deployed(aws, assembly, stack_name, visibility=30, SECONDS="1.5")
    mapped.send("a")
    mapping = mapped.map_queue()
    time.sleep(1.0)
    mapped.functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    assert mapped.state(mapping) == "Disabling"
    until(lambda: mapped.state(mapping) == "Disabled")
    assert mapped.batches() == [["a"]]
    mapped.send("b")
    time.sleep(0.7)
    assert _left(mapped) == 1
