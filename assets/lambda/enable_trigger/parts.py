"""What the states work with."""

from __future__ import annotations

import functools
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ddb_migration import names
from ddb_migration.aws.announcements import Announcements
from ddb_migration.aws.both_sides import BothSides
from ddb_migration.aws.change_path import ChangePath
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.clients import client
from ddb_migration.aws.control_table import ControlTable, control_of
from ddb_migration.aws.destination_access import DestinationAccess
from ddb_migration.aws.destination_lock import DestinationLock
from ddb_migration.aws.environment import Environment, Settings
from ddb_migration.aws.executions import Executions
from ddb_migration.aws.exports import Exports
from ddb_migration.aws.jobs import Jobs
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.metrics import SILENT, Metrics
from ddb_migration.aws.tables import Tables
from ddb_migration.aws.verify_objects import VerifyObjects
from ddb_migration.core.state_call import Answer, Call, again, done, paused, poll

# The states take these from here.
__all__ = ["Answer", "Call", "Parts", "again", "done", "paused", "poll"]


@dataclass(frozen=True)
class Parts:
    """The migration's resources and settings; `clock` gives epoch seconds.

    `sides_at` reads both tables, the source at so many read units a second (None for no limit). `reverse` are those of
    the path that carries the destination's changes back, None where there is none.
    """

    source_arn: str
    stream_processor: str
    write_cdc: str
    change_queue_arn: str
    settings: Settings
    control: ControlTable
    tables: Tables
    mappings: Mappings
    jobs: Jobs
    executions: Executions
    lock: DestinationLock
    exports: Exports
    queue: ChangeQueue
    sides_at: Callable[[float | None], BothSides]
    verify_objects: Callable[[str, str], VerifyObjects]
    announcements: Announcements
    reverse: Parts | None = None
    metrics: Metrics = SILENT
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    new_epoch: Callable[[], str] = lambda: f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{uuid.uuid4().hex[:8]}"

    @property
    def change_path(self) -> ChangePath:
        """Return capture and apply, to be looked at."""
        return ChangePath(
            self.control,
            self.mappings,
            self.queue,
            self.stream_processor,
            self.write_cdc,
            self.change_queue_arn,
            self.settings.change_retention_seconds,
            self.clock,
        )

    @classmethod
    def of(cls, environment: Environment) -> Parts:
        """Build the parts that the construct named."""
        dynamodb = client("dynamodb")
        source = environment[names.SOURCE_TABLE]
        back = environment.reverse
        jobs = (environment[names.DIRECT_MIGRATION_JOB], environment[names.LARGE_MIGRATION_JOB])
        return cls(
            source_arn=source,
            stream_processor=environment[names.STREAM_PROCESSOR],
            write_cdc=environment[names.WRITE_CDC],
            change_queue_arn=environment[names.CHANGE_QUEUE_ARN],
            settings=environment.settings,
            control=control_of(environment, dynamodb),
            tables=Tables(dynamodb),
            mappings=Mappings(client("lambda")),
            jobs=Jobs(client("glue"), jobs),
            executions=Executions(client("stepfunctions")),
            lock=DestinationLock(client("ssm"), environment[names.DESTINATION_TABLE], environment.holder),
            exports=Exports(dynamodb, source, environment[names.MIGRATION_BUCKET], environment.key),
            queue=ChangeQueue(client("sqs"), environment[names.CHANGE_QUEUE_URL]),
            metrics=Metrics(environment[names.MIGRATION_NAME]),
            sides_at=functools.partial(_sides, dynamodb, source, environment.destination),
            verify_objects=functools.partial(VerifyObjects, client("s3"), environment[names.MIGRATION_BUCKET]),
            announcements=Announcements.of(environment[names.MIGRATION_NAME], environment[names.NOTIFICATION_TOPIC]),
            reverse=cls.of(back) if back is not None else None,
        )


def _sides(client: Any, source: str, destination: DestinationAccess, rate: float | None) -> BothSides:
    return BothSides(client, source, destination.table_arn, rate, destination_client=destination.client())
