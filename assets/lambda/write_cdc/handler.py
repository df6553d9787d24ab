"""WriteCdc: each message's change is written to the destination, unless a newer one already was."""

from __future__ import annotations

import functools
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ddb_migration import names
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.clients import client, writer
from ddb_migration.aws.continuity import Continuity
from ddb_migration.aws.control_table import ControlTable, control_of
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.errors import best_effort
from ddb_migration.aws.metrics import SILENT, Metrics
from ddb_migration.aws.progress import APPLY, Progress
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.tables import Destination, Source
from ddb_migration.aws.throttles import Throttles
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.continuity import LONGEST_RETENTION_SECONDS, apply_leg
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.deadline import Deadline
from ddb_migration.core.delivery import Delivery, Group, groups
from ddb_migration.core.direction import REVERSE
from ddb_migration.core.outage import PROBE_SECONDS, is_outage, return_seconds
from write_cdc.apply import DONE, FAILED, Apply, Outcome
from write_cdc.probe import probe

WRITERS = 10
READER = uuid.uuid4().hex[:2]
# What Apply counts, as the metrics call it.
COUNTED = {
    "applied": names.METRIC_APPLIED,
    "stale_skipped": names.METRIC_STALE,
    "discarded": names.METRIC_DISCARDED,
    "parked": names.METRIC_PARKED,
}

Mapper = Callable[[Callable[[Group], Outcome], Iterable[Group]], Iterable[Outcome]]


class WriteCdc:
    """Apply of one migration; `each` maps a function over groups (side by side in production).

    `retention_seconds` is for how long the change queue keeps a message.
    """

    def __init__(
        self,
        control: ControlTable,
        watermark_rows: Rows,
        source: Source,
        destination: Destination,
        queue: ChangeQueue,
        each: Mapper,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        retention_seconds: float = LONGEST_RETENTION_SECONDS,
        metrics: Metrics = SILENT,
    ) -> None:
        self._metrics = metrics
        self._control = control
        self._watermark_rows = watermark_rows
        self._source = source
        self._destination = destination
        self._queue = queue
        self._each = each
        self._clock = clock
        self._sleep = sleep
        self._continuity = Continuity(control, apply_leg(retention_seconds), clock)

    def process(self, records: Sequence[Mapping[str, Any]], deadline: Deadline) -> list[str]:
        """Apply one batch and return the ids of the messages that must come back.

        Raises MigrationStopped before the barrier and after the end of the epoch.
        """
        record = self._control.read()
        record.require_apply()
        batch = groups([Delivery.of(body) for body in records])
        sent = [delivery.sent for group in batch for delivery in group]
        self._continuity.met(record, sent)
        if any(delivery.receives > 1 for group in batch for delivery in group):
            # An earlier attempt may have died without a report; the age of what it held must still be known.
            self._report(str(record.epoch), batch, [])
        throttles = Throttles()
        outcomes = self._applied(record, batch, deadline, throttles)
        self._report(str(record.epoch), batch, outcomes)
        self._metrics.put_throttles(throttles.by_reason())
        failing_since = self._note_health(record, outcomes)
        left = [
            (outcome.kind, delivery)
            for group, outcome in zip(batch, outcomes, strict=True)
            if outcome.kind != DONE
            for delivery in group
        ]
        if not left:
            best_effort(lambda: self._continuity.worked(record, sent), "the note that apply works")
        within = return_seconds(failing_since, self._clock())
        # What got no answer stays hidden until the visibility time-out; in an outage everything does, and longer.
        receipts = [delivery.receipt for kind, delivery in left if kind == FAILED or within]
        best_effort(lambda: self._queue.return_soon(receipts, within), "the earlier return of failed messages")
        return [delivery.message_id for _, delivery in left]

    def _applied(
        self, record: ControlRecord, batch: Sequence[Group], deadline: Deadline, throttles: Throttles
    ) -> list[Outcome]:
        """Apply groups side by side; in an outage one after the other, until one shows that it is over."""
        apply = self._apply(record, deadline, throttles)
        if not is_outage(record.apply_failing_since, self._clock()):
            return list(self._each(apply.group, batch))
        probe = self._apply(record, deadline.within(PROBE_SECONDS), throttles)
        tried: list[Outcome] = []
        for group in batch:
            tried.append(probe.group(group))
            if tried[-1].kind != DONE:
                return tried + [Outcome(FAILED)] * (len(batch) - len(tried))
            if tried[-1].was_answered:
                break
        return tried + list(self._each(apply.group, batch[len(tried) :]))

    def _apply(self, record: ControlRecord, deadline: Deadline, throttles: Throttles) -> Apply:
        watermarks = Watermarks(self._watermark_rows, str(record.stream_arn), self._clock, record.changed_shards)
        tables = self._source, self._destination
        late_since = record.cut_over_at if record.applies_late else None
        # The tripwire of the forward path knows by it what the reverse path has written.
        notes_rereads = record.direction is REVERSE
        return Apply(
            str(record.epoch),
            watermarks,
            *tables,
            deadline,
            self._sleep,
            throttles.notice,
            late_since,
            notes_rereads,
        )

    def _note_health(self, record: ControlRecord, outcomes: Sequence[Outcome]) -> float | None:
        """Record that nothing can be applied, or that it can again; return since when it cannot.

        A note that fails is made by the next invocation: what was applied must not come back because of it.
        """
        since, now = record.apply_failing_since, self._clock()
        if any(outcome.was_answered for outcome in outcomes):
            if since is not None:
                best_effort(lambda: self._control.note_apply_works(since), "the note that apply works again")
            return None
        failures = [outcome.failure for outcome in outcomes if outcome.failure]
        if since is None and failures:
            best_effort(lambda: self._control.note_apply_failing(failures[0], now), "the note that apply fails")
            return now
        return since

    def _report(self, epoch: str, batch: Sequence[Group], outcomes: Sequence[Outcome]) -> None:
        """Tell what was counted and how old the batch is; without outcomes, before anything is done, it has to arrive.

        What was applied does not wait any more, and what failed is reported when it is received again.
        """
        now = self._clock()
        counts: Counter[str] = Counter()
        for outcome in outcomes:
            counts.update(outcome.counts)
        created = [delivery.message.created for group in batch for delivery in group if delivery.message]
        age = max(0.0, now - min((moment for moment in created if moment), default=now))
        report = functools.partial(Progress(self._control.rows, epoch).report, APPLY, READER, counts, age, now)
        if outcomes:
            best_effort(report, "the report of what was applied")
        else:
            report()
        ages = {names.METRIC_REPLICATION_LAG: age, names.METRIC_OLDEST_CHANGE_AGE: age}
        self._metrics.put(ages, {metric: counts[name] for name, metric in COUNTED.items()})


@functools.cache
def _write_cdc() -> WriteCdc:
    environment = Environment(os.environ)
    read, write = client("dynamodb"), writer("dynamodb")
    return WriteCdc(
        control_of(environment, read),
        Rows(write, environment[names.CONTROL_TABLE]),
        Source(read, environment[names.SOURCE_TABLE]),
        Destination(environment.destination.writer(), environment[names.DESTINATION_TABLE]),
        ChangeQueue(client("sqs"), environment[names.CHANGE_QUEUE_URL]),
        ThreadPoolExecutor(WRITERS).map,
        retention_seconds=float(environment[names.CHANGE_RETENTION_SECONDS]),
        metrics=Metrics(environment[names.MIGRATION_NAME]),
    )


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Apply a batch of the change queue; a `probe` only tells which permissions are missing."""
    if "probe" in event:
        return {"denied": probe(Environment(os.environ), event["probe"])}
    deadline = Deadline.of(context.get_remaining_time_in_millis() / 1000)
    failures = _write_cdc().process(event["Records"], deadline)
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failures]}
