"""A migration over the fakes that is ready to cut over, with a source that can be fenced."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cut_over import complete, cut_over, lift_fence, ready_to_cut_over, roll_back
from cut_over.parts import Parts
from ddb_migration import names
from ddb_migration.aws.announcements import Announcements
from ddb_migration.aws.canary import Canary
from ddb_migration.aws.mappings import STREAM_SETTINGS, queue_settings
from ddb_migration.aws.stream_tail import StreamTail
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.aws.tables import Tables
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.cut_over_order import CutOverOrder
from ddb_migration.core.fence import fence_sid, fence_statement, has_fence
from ddb_migration.core.gate import GateFacts, VerifyVerdict, closed_because
from ddb_migration.core.state_call import Answer, Call
from ddb_migration.core.watermark import mark
from tests.fakes.client_errors import client_error
from tests.fakes.sqs import FakeMessage
from tests.functions.migration import EXECUTION, PROCESSOR, QUEUE_ARN, WRITER, Migration

CANARY = "arn:aws:iam::123456789012:role/canary"
STATES: Mapping[str, Callable[[Parts, Call], Answer]] = {
    names.CUT_OVER_STATE: cut_over.run,
    names.LIFT_FENCE_STATE: lift_fence.run,
    names.COMPLETE_STATE: complete.run,
    names.ROLL_BACK_STATE: roll_back.run,
    names.LIFT_DESTINATION_FENCE_STATE: lambda parts, call: lift_fence.run(parts.way_back, call),
}


@dataclass
class ScriptedGate:
    """A gate that is closed for the reasons that a test gives, and where the record says that changes are missing."""

    reasons: tuple[str, ...] = ()
    verdict: VerifyVerdict = field(default_factory=lambda: VerifyVerdict("1", segments=8, compared_segments=8))

    def facts(self, record: ControlRecord) -> GateFacts:
        by, since = (record.paused_by, record.paused_since) if record.paused else (None, None)
        sample = record.accepted_sample
        facts = GateFacts(1.0, 0, 0, "s", "s", self.verdict, accepted_sample=sample, paused_by=by, paused_since=since)
        return replace(facts, direction=record.direction)

    def closed_because(self, record: ControlRecord) -> tuple[str, ...]:
        incomplete = [record.incomplete] if record.incomplete else []
        return (*self.reasons, *closed_because(self.facts(record)), *incomplete)


@dataclass
class ScriptedKeys:
    """Changed keys of which `suspects` differ; every call is a round of its own that takes `seconds`."""

    clock: Any
    seconds: float = 0.0
    suspects: list[str] = field(default_factory=list)
    indexed: bool = True
    checked: list[Item] = field(default_factory=list)
    began: float = 0.0
    keys: int = 0
    is_done: bool = True

    @property
    def is_quick(self) -> bool:
        return self.seconds < 5

    @property
    def is_settled(self) -> bool:
        return self.is_done and not self.suspects

    def check(self, until: float) -> ScriptedKeys:
        self.began = self.clock()
        self.clock.sleep(self.seconds)
        return self

    def check_keys(self, keys: Iterable[Item], until: float) -> int:
        self.checked += keys
        return len(self.checked)

    def index_holds(self, newest: Sequence[Item]) -> bool:
        return self.indexed


class Cutting:
    """A migration behind its drain. `writes` puts a change into the stream; those of `applied` are applied."""

    def __init__(self, name: str = "control") -> None:
        self.migration = Migration()
        self.aws, self.clock, self.control = self.migration.aws, self.migration.clock, self.migration.control
        self.source = self.migration.source
        self.gate = ScriptedGate()
        self.keys = ScriptedKeys(self.clock)
        self.fences = True
        self.fence = fence_statement(fence_sid(name), self.source)
        self.policy = TablePolicy(self.aws.dynamodb, self.source)
        self.sees_fence = True
        self.migration.open(captured_from=self.clock(), barrier_at=1.0, drained_at=2.0)
        self.migration.lock().acquire()
        self.aws.functions.create_event_source_mapping(
            FunctionName=PROCESSOR, EventSourceArn=self.migration.stream_arn, Enabled=True, **STREAM_SETTINGS
        )
        self.aws.functions.create_event_source_mapping(
            FunctionName=WRITER, EventSourceArn=QUEUE_ARN, Enabled=True, **queue_settings(10)
        )
        self.aws.dynamodb.hooks.append(self._judge)
        self.write("a", "seen before")

    def _judge(self, operation: str, request: Mapping[str, Any]) -> None:
        """DynamoDB denies the canary once the fence has reached it."""
        if operation == "DeleteItem" and self.sees_fence and self.is_fenced:
            raise client_error("DeleteItem", "AccessDeniedException", "explicit deny in a resource-based policy")

    @property
    def is_fenced(self) -> bool:
        policy = self.aws.dynamodb.policies.get(self.source)
        return policy is not None and has_fence(policy[0], self.fence)

    @property
    def record(self) -> ControlRecord:
        return self.control.read()

    @property
    def writer_state(self) -> str:
        (mapping,) = self.migration.mappings.of(WRITER)
        return str(mapping["State"])

    def write(self, shard: str, key: str, applied: bool = True, expired: bool = False) -> str:
        number = self.aws.dynamodbstreams.write(shard, key, expired)
        if applied:
            self.apply(key, number)
        return number

    def apply(self, key: str, number: str) -> None:
        self._watermarks().raise_to({"pk": {"S": key}}, mark(number))

    def hide_message(self, seconds: float) -> None:
        """WriteCdc has received a message and died; SQS shows it again after so long."""
        now, queue = self.clock(), self.aws.sqs.queues[self.migration.queue_url]
        queue.messages.append(FakeMessage(1, "group", "body", now + seconds, now))

    def deploy_policy(self, *statements: Mapping[str, Any]) -> None:
        """A deployment sets the source's policy to what its template says."""
        text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.aws.dynamodb.put_resource_policy(ResourceArn=self.source, Policy=text)

    def parts(self) -> Parts:
        return Parts(
            source_arn=self.source,
            stream_processor=PROCESSOR,
            write_cdc=WRITER,
            change_queue_arn=QUEUE_ARN,
            change_retention_seconds=14 * 86400.0,
            fences=self.fences,
            fence=self.fence,
            control=self.control,
            tables=Tables(self.aws.dynamodb),
            mappings=self.migration.mappings,
            queue=self.migration.queue,
            policy=self.policy,
            canary=Canary(self.aws.sts, CANARY, self.source, lambda credentials: self.aws.dynamodb),
            announcements=Announcements(self.aws.events, self.aws.sns, "Stack/Orders", "", self.clock),
            lock=self.migration.lock(),
            gate=self.gate,
            tail_of=self._tail,
            changed_keys_of=lambda record: self.keys,
            metrics=self.migration.metrics,
            clock=self.clock,
        )

    def ready(self, token: str = "token") -> Answer:
        return ready_to_cut_over.run(self.parts(), Call(EXECUTION), token)

    def _watermarks(self) -> Watermarks:
        return Watermarks(self.control.rows, self.migration.stream_arn, self.clock)

    def _tail(self, record: ControlRecord) -> StreamTail:
        streams = self.aws.dynamodbstreams
        return StreamTail(streams, str(record.stream_arn), self.control.rows, self._watermarks(), map, self.clock)


class States:
    """Calls a state as the state machine does, with its last answer, after the wait that it asked for."""

    def __init__(self, cutting: Cutting, state: str, given: Mapping[str, Any] | None = None) -> None:
        self.cutting = cutting
        self.last: Mapping[str, Any] = dict(given or {})
        self._state = state
        self.calls = 0

    def once(self) -> Answer:
        call = Call.of({"state": self._state, "execution": EXECUTION, "last": self.last})
        answer = {**STATES[self._state](self.cutting.parts(), call), "state": self._state}
        self.last = json.loads(json.dumps(answer))
        self.calls += 1
        if not answer["done"]:
            self.cutting.clock.sleep(answer["wait_seconds"])
        return answer

    def until(self, waiting_for: str, most: int = 400) -> Answer:
        """Call the state until it waits for something."""
        for _ in range(most):
            answer = self.once()
            assert not answer["done"], answer
            if waiting_for in answer["waiting_for"]:
                return answer
        raise AssertionError(f"never waited for {waiting_for}: {self.last}")

    def to_end(self, most: int = 1000) -> Answer:
        for _ in range(most):
            answer = self.once()
            if answer["done"]:
                return answer
        raise AssertionError(f"not done after {most} calls: {self.last}")


def cutting_over(cutting: Cutting, order: CutOverOrder | None = None) -> States:
    """CutOver, entered with an order of the operator."""
    return States(cutting, names.CUT_OVER_STATE, (order or CutOverOrder()).as_json())
