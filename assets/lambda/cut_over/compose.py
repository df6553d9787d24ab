"""The parts of the function, built from what the construct named."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from cut_over.parts import Parts
from ddb_migration import names
from ddb_migration.aws.announcements import Announcements
from ddb_migration.aws.both_sides import BothSides
from ddb_migration.aws.canary import Canary
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.changed_keys import ChangedKeys
from ddb_migration.aws.clients import client, writer_as
from ddb_migration.aws.control_table import ControlTable, control_of
from ddb_migration.aws.destination_lock import DestinationLock
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.gate_facts import Gate
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.metrics import Metrics
from ddb_migration.aws.rereads import Rereads
from ddb_migration.aws.stream_tail import OwnWork, Standings, StreamTail
from ddb_migration.aws.table_policy import TablePolicy
from ddb_migration.aws.tables import Tables
from ddb_migration.aws.verify_objects import VerifyObjects
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.direction import FORWARD, REVERSE, Direction
from ddb_migration.core.verify_report import VerifyReport

# Shards, and chunks of keys, that are read side by side.
_AT_ONCE = 8


def parts_of(environment: Environment) -> Parts:
    """Build the parts of one migration: its path, and the reverse path where it has one."""
    forward, back = _composed(environment), environment.reverse
    if back is None:
        return _path_of(forward, forward.gate(), FORWARD)
    reverse = _composed(back)
    gate = reverse.gate()
    return _path_of(forward, forward.gate(gate), FORWARD, _path_of(reverse, gate, REVERSE))


def _composed(environment: Environment) -> _Composed:
    return _Composed(environment, control_of(environment, client("dynamodb")))


def _path_of(composed: _Composed, gate: Gate, way: Direction, reverse: Parts | None = None) -> Parts:
    environment = composed.environment
    dynamodb, source = client("dynamodb"), environment[names.SOURCE_TABLE]
    return Parts(
        source_arn=source,
        stream_processor=environment[names.STREAM_PROCESSOR],
        write_cdc=environment[names.WRITE_CDC],
        change_queue_arn=environment[names.CHANGE_QUEUE_ARN],
        change_retention_seconds=environment.settings.change_retention_seconds,
        fences=environment.settings.fence_source_writes,
        fence=environment.fence,
        control=composed.control,
        tables=Tables(dynamodb),
        mappings=Mappings(client("lambda")),
        queue=composed.queue(),
        policy=TablePolicy(dynamodb, source),
        canary=Canary(client("sts"), environment[names.CANARY_ROLE], source, writer_as),
        announcements=Announcements.of(environment[names.MIGRATION_NAME], environment[names.NOTIFICATION_TOPIC]),
        lock=DestinationLock(client("ssm"), environment[names.DESTINATION_TABLE], environment.holder),
        gate=gate,
        tail_of=composed.tail_of,
        changed_keys_of=lambda record: composed.keys_of(record, partial(gate.lag, record)),
        way=way,
        metrics=Metrics(environment[names.MIGRATION_NAME] + (names.METRIC_REVERSE if way is REVERSE else "")),
        rollback_window_seconds=environment.settings.rollback_window_seconds,
        reverse=reverse,
    )


@dataclass(frozen=True)
class _Composed:
    """What depends on the record of an epoch, or on several services."""

    environment: Environment
    control: ControlTable
    threads: ThreadPoolExecutor = ThreadPoolExecutor(_AT_ONCE)
    standings: Standings = field(default_factory=dict)

    def gate(self, reverse: Gate | None = None) -> Gate:
        sqs = client("sqs")
        return Gate(
            control=self.control,
            tables=Tables(client("dynamodb")),
            mappings=Mappings(client("lambda")),
            queue=self.queue(),
            dead_letter_queue=ChangeQueue(sqs, self.environment[names.DEAD_LETTER_QUEUE_URL]),
            source_arn=self.environment[names.SOURCE_TABLE],
            stream_processor=self.environment[names.STREAM_PROCESSOR],
            write_cdc=self.environment[names.WRITE_CDC],
            change_queue_arn=self.environment[names.CHANGE_QUEUE_ARN],
            report=self._report,
            reverse=reverse,
        )

    def tail_of(self, record: ControlRecord) -> StreamTail:
        stream = str(record.stream_arn)
        watermarks = Watermarks(self.control.rows, stream, time.time)
        streams = client("dynamodbstreams")
        # Only a tail with work of the migration's own compares; the others need no client for it.
        own = OwnWork(record.own_until, record.own_perhaps_until, lambda keys: self.sides(record).agreeing(keys))
        rows, each = self.control.rows, self.threads.map
        return StreamTail(streams, stream, rows, watermarks, each, time.time, own, self.standings)

    def sides(self, record: ControlRecord) -> BothSides:
        tables = (self.environment[names.SOURCE_TABLE], self.environment[names.DESTINATION_TABLE])
        there = self.environment.destination.client()
        return BothSides(client("dynamodb"), *tables, record.max_read_units_per_second, destination_client=there)

    def keys_of(self, record: ControlRecord, lag: Callable[[], float | None]) -> ChangedKeys:
        return ChangedKeys(
            self.control.rows,
            str(record.epoch),
            str(record.stream_arn),
            record.changed_shards,
            self.sides(record),
            Rereads(self.queue(), str(record.epoch)),
            since=float(record.verified_at or record.drained_at or 0),
            lag=lag,
            repair_extra=self.environment.settings.repair_extra,
            time_to_live=Tables(client("dynamodb")).time_to_live(self.environment[names.SOURCE_TABLE]),
            each=self.threads.map,
        )

    def queue(self) -> ChangeQueue:
        return ChangeQueue(client("sqs"), self.environment[names.CHANGE_QUEUE_URL])

    def _report(self, epoch: str, pass_id: str) -> VerifyReport | None:
        return VerifyObjects(client("s3"), self.environment[names.MIGRATION_BUCKET], epoch, pass_id).report()
