"""A migration over the fakes that has a way back: the reverse path beside the forward one, with a stream of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cut_over import rollback_window
from cut_over.parts import Parts
from ddb_migration import names
from ddb_migration.aws.canary import Canary
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.control_table import ReverseControl
from ddb_migration.aws.metrics import Metrics
from ddb_migration.aws.stream_tail import StreamTail
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.cut_over_order import CutOverOrder
from ddb_migration.core.direction import REVERSE
from ddb_migration.core.fence import fence_sid, fence_statement, has_fence
from ddb_migration.core.state_call import Answer, Call
from ddb_migration.core.watermark import mark
from enable_trigger import start_reverse_capture
from enable_trigger.parts import Parts as SteeringParts
from tests.fakes.client_errors import client_error
from tests.fakes.making import create_queue
from tests.fakes.streams import FakeStreams
from tests.functions.cutting import CANARY, Cutting, ScriptedGate, ScriptedKeys, States, cutting_over
from tests.functions.migration import EXECUTION

REVERSE_PROCESSOR, REVERSE_WRITER = "arn:function:reverse-processor", "arn:function:reverse-writer"
REVERSE_QUEUE_ARN = "arn:reverse-queue"
REVERSE_ROLE = "arn:aws:iam::123456789012:role/reverse-writer"
WINDOW = 3 * 86400.0


class Rolling(Cutting):
    """A migration whose reverse path has settled. `write_back` puts a change into the destination's stream."""

    def __init__(self, captures_back: bool = True) -> None:
        super().__init__()
        aws = self.aws
        aws.dynamodb.update_table(
            TableName="destination", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        )
        self.fence = fence_statement(fence_sid("control"), self.source, [REVERSE_ROLE])
        self.reverse = ReverseControl(aws.dynamodb, "control")
        self.reverse_queue_url = create_queue(aws.sqs, "reverse-changes")
        self.reverse_queue = ChangeQueue(aws.sqs, self.reverse_queue_url)
        self.reverse_fence = fence_statement(fence_sid("control"), self.migration.destination)
        self.reverse_policy = TablePolicy(aws.dynamodb, self.migration.destination)
        self.reverse_gate = ScriptedGate()
        self.reverse_keys = ScriptedKeys(self.clock)
        self.back_streams = FakeStreams(self.clock)
        self.window: float | None = WINDOW
        self.has_reverse = True
        aws.dynamodb.hooks.append(self._judge_back)
        if captures_back:
            self.start_reverse_capture()

    @property
    def back(self) -> ControlRecord:
        return self.reverse.read()

    @property
    def destination_stream(self) -> str:
        return str(self.aws.dynamodb.tables["destination"].description["LatestStreamArn"])

    @property
    def is_destination_fenced(self) -> bool:
        policy = self.aws.dynamodb.policies.get(self.migration.destination)
        return policy is not None and has_fence(policy[0], self.reverse_fence)

    @property
    def reverse_writer_state(self) -> str:
        (mapping,) = self.migration.mappings.of(REVERSE_WRITER)
        return str(mapping["State"])

    def _judge_back(self, operation: str, request: Mapping[str, Any]) -> None:
        is_there = request.get("TableName") == self.migration.destination
        is_canary = operation == "DeleteItem" and "ConditionExpression" in request
        if is_canary and is_there and self.sees_fence and self.is_destination_fenced:
            raise client_error("DeleteItem", "AccessDeniedException", "explicit deny in a resource-based policy")

    def _judge(self, operation: str, request: Mapping[str, Any]) -> None:
        if request.get("TableName") == self.source and "ConditionExpression" in request:
            super()._judge(operation, request)

    def steering(self) -> SteeringParts:
        """EnableTrigger's parts, with those of the reverse path."""
        forward = self.migration.parts()
        reverse = replace(
            forward,
            source_arn=self.migration.destination,
            stream_processor=REVERSE_PROCESSOR,
            write_cdc=REVERSE_WRITER,
            change_queue_arn=REVERSE_QUEUE_ARN,
            control=self.reverse,
            queue=self.reverse_queue,
        )
        return replace(forward, reverse=reverse if self.has_reverse else None)

    def start_reverse_capture(self) -> Answer:
        last: Answer = {}
        for _ in range(50):
            last = start_reverse_capture.run(self.steering(), Call(EXECUTION, last))
            if last["done"]:
                return last
            self.clock.sleep(last["wait_seconds"])
        raise AssertionError(f"not settled: {last}")

    def write_back(self, shard: str, key: str, applied: bool = True, expired: bool = False) -> str:
        number = self.back_streams.write(shard, key, expired)
        if applied:
            self.apply_back(key, number)
        return number

    def apply_back(self, key: str, number: str) -> None:
        self._reverse_watermarks().raise_to({"pk": {"S": key}}, mark(number))

    def parts(self) -> Parts:
        forward = super().parts()
        reverse = replace(
            forward,
            source_arn=self.migration.destination,
            stream_processor=REVERSE_PROCESSOR,
            write_cdc=REVERSE_WRITER,
            change_queue_arn=REVERSE_QUEUE_ARN,
            fence=self.reverse_fence,
            control=self.reverse,
            queue=self.reverse_queue,
            policy=self.reverse_policy,
            canary=Canary(self.aws.sts, CANARY, self.migration.destination, lambda credentials: self.aws.dynamodb),
            gate=self.reverse_gate,
            tail_of=self._reverse_tail,
            changed_keys_of=lambda record: self.reverse_keys,
            way=REVERSE,
            metrics=Metrics("Orders/OrdersMigration (reverse)", self.clock, self.migration.watch.read_log),
        )
        return replace(forward, rollback_window_seconds=self.window, reverse=reverse if self.has_reverse else None)

    def waits(self, token: str = "token") -> Answer:
        """RollbackWindow, entered once."""
        return rollback_window.run(self.parts(), Call(EXECUTION), token)

    def _reverse_watermarks(self) -> Watermarks:
        return Watermarks(self.control.rows, self.destination_stream, self.clock)

    def _reverse_tail(self, record: ControlRecord) -> StreamTail:
        marks = self._reverse_watermarks()
        return StreamTail(self.back_streams, str(record.stream_arn), self.control.rows, marks, map, self.clock)


def cut_over(rolling: Rolling) -> Rolling:
    """Take a migration through its cut-over."""
    assert cutting_over(rolling).to_end()["cut_over"]
    rolling.aws.events.details.clear()
    return rolling


def rolling_back(rolling: Rolling, order: CutOverOrder | None = None) -> States:
    """RollBack, entered with an order of the operator."""
    return States(rolling, names.ROLL_BACK_STATE, (order or CutOverOrder()).as_json())
