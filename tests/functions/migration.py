"""One migration over the fakes: its two tables, control table, change queue, and the parts of its functions."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from ddb_migration import names
from ddb_migration.aws.announcements import Announcements
from ddb_migration.aws.both_sides import BothSides
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.checkpoints import Checkpoints
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.destination_lock import DestinationLock, Holder
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.exports import Exports
from ddb_migration.aws.jobs import Jobs
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.metrics import Metrics
from ddb_migration.aws.tables import Tables
from ddb_migration.aws.verify_objects import VerifyObjects
from ddb_migration.core.bulk_plan import BulkPlan, plan_name
from ddb_migration.core.control_record import ControlRecord
from enable_trigger.parts import Answer, Call, Parts
from tests.fakes.aws import FakeAws
from tests.fakes.cloudwatch import CloudWatch
from tests.fakes.making import create_control_table, create_queue, create_table

EXECUTIONS = "arn:aws:states:us-east-1:123456789012:execution:Migrate:"
EXECUTION, OTHER = f"{EXECUTIONS}1", f"{EXECUTIONS}2"
DIRECT_ROLE, LARGE_ROLE = "arn:aws:iam::123456789012:role/direct", "arn:aws:iam::123456789012:role/large"
VERIFY_ROLE = "arn:aws:iam::123456789012:role/verify"
ALIEN = Holder("Stack/Other", "control-other", "queue-other", "processor-other")
PROCESSOR, WRITER = "arn:function:processor", "arn:function:writer"
QUEUE_ARN = "arn:queue"
DIRECT_JOB, LARGE_JOB = "direct-job", "large-job"
INDEX = {
    "IndexName": "by-city",
    "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}


class Migration:
    """A migration whose destination has an index that refuses items with a numeric `city`."""

    def __init__(self) -> None:
        self.aws = FakeAws()
        self.clock = self.aws.clock
        dynamodb = self.aws.dynamodb
        city: dict[str, Any] = {"definitions": [{"AttributeName": "city", "AttributeType": "S"}]}
        city["GlobalSecondaryIndexes"] = [INDEX]
        self.source = create_table(dynamodb, "source", ("pk", "S"), stream="NEW_IMAGE", **city)
        self.destination = create_table(dynamodb, "destination", ("pk", "S"), **city)
        self.control = ControlTable(dynamodb, create_control_table(dynamodb, "control"))
        self.queue_url = create_queue(self.aws.sqs, "changes")
        self.queue = ChangeQueue(self.aws.sqs, self.queue_url)
        self.watch = CloudWatch()
        self.metrics = Metrics("Orders/OrdersMigration", self.clock, self.watch.read_log)
        self.settings: dict[str, Any] = {
            "size_threshold_bytes": 1000,
            "enable_source_features": False,
            "accepted_findings": [],
            "worker_type": "G.1X",
            "max_workers": 4,
            "max_apply_concurrency": 100,
        }
        self.aws.functions.answers = {PROCESSOR: lambda event: {"denied": []}, WRITER: lambda event: {"denied": []}}
        self.aws.s3.create_bucket(Bucket="bucket")
        self._epochs = 0
        # What the environment holds beside that of a destination in the same place.
        self.more: dict[str, str] = {}

    @property
    def environment(self) -> Environment:
        return Environment(
            {
                names.MIGRATION_NAME: "Stack/Orders",
                names.CONTROL_TABLE: "control",
                names.SOURCE_TABLE: self.source,
                names.DESTINATION_TABLE: self.destination,
                names.CHANGE_QUEUE_URL: self.queue_url,
                names.STREAM_PROCESSOR: PROCESSOR,
                names.WRITE_CDC: WRITER,
                names.MIGRATION_BUCKET: "bucket",
                names.DIRECT_MIGRATION_ROLE: DIRECT_ROLE,
                names.LARGE_MIGRATION_ROLE: LARGE_ROLE,
                names.VERIFY_ROLE: VERIFY_ROLE,
                names.SETTINGS: json.dumps(self.settings),
                **self.more,
            }
        )

    @property
    def stream_arn(self) -> str:
        return str(self.aws.dynamodb.tables["source"].description["LatestStreamArn"])

    @property
    def mappings(self) -> Mappings:
        return Mappings(self.aws.functions)

    @property
    def jobs(self) -> Jobs:
        return Jobs(self.aws.glue, (DIRECT_JOB, LARGE_JOB))

    def lock(self, me: Holder | None = None) -> DestinationLock:
        return DestinationLock(self.aws.ssm, self.destination, me or self.environment.holder)

    def parts(self) -> Parts:
        return Parts(
            source_arn=self.source,
            stream_processor=PROCESSOR,
            write_cdc=WRITER,
            change_queue_arn=QUEUE_ARN,
            settings=self.environment.settings,
            control=self.control,
            tables=Tables(self.aws.dynamodb),
            mappings=self.mappings,
            jobs=self.jobs,
            executions=Executions(self.aws.states),
            lock=self.lock(),
            exports=Exports(self.aws.dynamodb, self.source, "bucket"),
            queue=self.queue,
            metrics=self.metrics,
            sides_at=lambda rate: BothSides(
                self.aws.dynamodb, self.source, self.destination, rate, clock=self.clock, sleep=self.clock.sleep
            ),
            verify_objects=functools.partial(VerifyObjects, self.aws.s3, "bucket"),
            sleep=self.clock.sleep,
            announcements=Announcements(self.aws.events, self.aws.sns, "Stack/Orders", "", self.clock),
            clock=self.clock,
            new_epoch=self._new_epoch,
        )

    def open(self, execution: str = EXECUTION, **written: Any) -> ControlRecord:
        """Open an epoch by hand, with attributes of the record as if states had written them."""
        self.aws.states.status.setdefault(execution, "RUNNING")
        last = self.control.read().epoch
        record = self.control.open_epoch(self._new_epoch(), execution, self.stream_arn, self.clock(), last)
        return self.control.set_once(execution, **written) if written else record

    def complete_load(self) -> None:
        """Mark the bulk load of the open epoch complete, as a job does."""
        record = self.control.read()
        if record.plan is None:
            record = self.control.set_once(str(record.execution), plan=BulkPlan(1, 1).to_text())
        name = plan_name(BulkPlan.from_text(str(record.plan)), record.export_arn)
        Checkpoints(self.control.rows, str(record.epoch), name).complete()

    def report_mapping(self, function: str, result: str) -> None:
        """Let Lambda report how the last call of a function's mapping went."""
        for mapping in self.aws.functions.mappings.values():
            if mapping["FunctionArn"] == function:
                mapping["LastProcessingResult"] = result

    def _new_epoch(self) -> str:
        self._epochs += 1
        return f"e{self._epochs}"


class Caller:
    """Calls one state as the state machine does: with its last answer, after the wait that it asked for."""

    def __init__(
        self, migration: Migration, run: Any, execution: str = EXECUTION, given: Mapping[str, Any] | None = None
    ) -> None:
        self._migration = migration
        self._given = given or {}
        self._run = run
        self._execution = execution
        self.last: Mapping[str, Any] = {}
        self.waits: list[int] = []

    def once(self) -> Answer:
        """Call the state; wait if it asks for it."""
        answer: Answer = self._run(
            self._migration.parts(), Call(self._execution, self.last, {} if self.last else self._given)
        )
        self.last = answer
        if not answer["done"]:
            self.waits.append(answer["wait_seconds"])
            self._migration.clock.sleep(answer["wait_seconds"])
        return answer

    def until_done(self, most: int = 50) -> Answer:
        """Call the state until it is done."""
        for _ in range(most):
            answer = self.once()
            if answer["done"]:
                return answer
        raise AssertionError(f"not done after {most} calls: {self.last}")


def switched_off(migration: Migration, function: str, seconds: float) -> None:
    """Somebody disables a function's mapping and enables it again, while nobody looks."""
    (mapping,) = migration.mappings.of(function)
    migration.aws.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    migration.clock.sleep(seconds)
    migration.aws.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
