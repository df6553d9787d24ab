"""StreamProcessor: every change of the source's stream becomes a message of its key's group."""

from __future__ import annotations

import functools
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ddb_migration import names
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.clients import client
from ddb_migration.aws.continuity import Continuity
from ddb_migration.aws.control_table import ControlTable, control_of
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.errors import best_effort
from ddb_migration.aws.metrics import SILENT, Metrics
from ddb_migration.aws.probe import denials
from ddb_migration.aws.progress import CAPTURE, Progress
from ddb_migration.core.change import REREAD, Change, newest_per_key
from ddb_migration.core.continuity import CAPTURE_LEG
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.item_key import deduplication_id, message_group
from ddb_migration.core.lag import is_low
from ddb_migration.core.message import encode
from ddb_migration.core.send_batches import Entry, send_batches
from ddb_migration.core.watermark import mark
from stream_processor.tripwire import Mapper, note_late

ATTEMPTS = 5
SENDERS = 8
# Which progress row this execution environment reports in: one of 256, so that few share one.
READER = uuid.uuid4().hex[:2]

# What is counted, as the metrics call it.
COUNTED = {
    "captured": names.METRIC_CAPTURED,
    "rereads": names.METRIC_REREADS,
    "late_changes": names.METRIC_CHANGES_AFTER_CUT_OVER,
}


class StreamProcessor:
    """Capture of one migration.

    `each` maps a function over batches, or keys (side by side in production), `sleep` waits between attempts.
    """

    def __init__(
        self,
        control: ControlTable,
        queue: ChangeQueue,
        each: Mapper,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
        metrics: Metrics = SILENT,
    ) -> None:
        self._metrics = metrics
        self._control = control
        self._queue = queue
        self._each = each
        self._clock = clock
        self._sleep = sleep
        self._continuity = Continuity(control, CAPTURE_LEG, clock)

    def process(self, records: Sequence[Mapping[str, Any]]) -> list[str]:
        """Send the changes of one batch and return the sequence numbers from which Lambda must retry.

        Raises MigrationStopped while no epoch is open: the batch then waits in the stream.
        """
        record = self._control.read()
        record.require_open()
        epoch = str(record.epoch)
        ours = [body for body in records if _is_of(str(record.stream_arn), body)]
        if record.stands_by:
            # The record was read after the batch: what is in it was made before any cut-over.
            return self._let_go(record, ours)
        late = note_late(self._control.rows, record, ours, self._clock, self._each) if record.is_cut_over else 0
        if record.is_cut_over and not record.applies_late:
            self._report(epoch, [], [], [], late)
            return []
        changes = [Change.from_record(body) for body in ours]
        self._continuity.met(record, [change.created for change in changes])
        entries = [_entry(epoch, str(record.stream_arn), change) for change in newest_per_key(changes)]
        # Side by side is safe: of one key there is one entry.
        refused = [entry for failed in self._each(self._send, send_batches(entries)) for entry in failed]
        self._report(epoch, changes, entries, refused, late)
        if not refused:
            self._note_worked(record, changes)
        # Lambda retries from the lowest number: nothing older than a refused entry is lost, it was superseded.
        return [min((entry.number for entry in refused), key=mark)] if refused else []

    def _let_go(self, record: ControlRecord, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
        """Take a batch and send nothing of it, but report how far behind capture is."""
        changes = [Change.from_record(body) for body in bodies]
        self._tell(str(record.epoch), {}, self._age(changes))
        self._note_worked(record, changes)
        return []

    def _note_worked(self, record: ControlRecord, changes: Sequence[Change]) -> None:
        moments = [change.created for change in changes]
        best_effort(lambda: self._continuity.worked(record, moments), "the note that capture works")

    def _send(self, batch: Sequence[Entry]) -> list[Entry]:
        return self._queue.persist(batch, ATTEMPTS, self._sleep)

    def _report(
        self, epoch: str, changes: Sequence[Change], entries: Sequence[Entry], refused: Sequence[Entry], late: int
    ) -> None:
        counts = {
            "captured": len(changes),
            "sent": len(entries) - len(refused),
            "late_changes": late,
            "rereads": sum(change.kind == REREAD for change in changes),
        }
        self._tell(epoch, counts, self._age(changes))

    def _tell(self, epoch: str, counts: Mapping[str, int], age: float) -> None:
        """Tell what was counted and how old the batch is.

        Late changes have to be told, and an age that is not low: none at all counts as low.
        """
        now = self._clock()
        report = functools.partial(Progress(self._control.rows, epoch).report, CAPTURE, READER, counts, age, now)
        if is_low(age) and not counts.get("late_changes"):
            best_effort(report, "the report of what was captured")
        else:
            report()
        self._metrics.put(
            {names.METRIC_REPLICATION_LAG: age}, {metric: counts.get(name, 0) for name, metric in COUNTED.items()}
        )

    def _age(self, changes: Sequence[Change]) -> float:
        now = self._clock()
        return max(0.0, now - min((change.created for change in changes), default=now))


def _is_of(stream_arn: str, body: Mapping[str, Any]) -> bool:
    """Tell whether a record is of the epoch's stream; numbers of another mean nothing among those of this one.

    Such a record comes late, from a mapping of an epoch that has ended, and is older than all that this one copies.
    """
    return bool(body.get("eventSourceARN", stream_arn) == stream_arn)


def _entry(epoch: str, stream_arn: str, change: Change) -> Entry:
    return Entry(
        number=change.number,
        group=message_group(change.key),
        deduplication_id=deduplication_id(epoch, stream_arn, change.number),
        body=encode(epoch, change),
    )


@functools.cache
def _parts() -> tuple[StreamProcessor, Any, Environment]:
    environment = Environment(os.environ)
    sqs = client("sqs")
    control = control_of(environment, client("dynamodb"))
    pool = ThreadPoolExecutor(SENDERS)
    queue = ChangeQueue(sqs, environment[names.CHANGE_QUEUE_URL])
    metrics = Metrics(environment[names.MIGRATION_NAME])
    return StreamProcessor(control, queue, pool.map, metrics=metrics), sqs, environment


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Process a batch of the stream; a `probe` only tells which permissions are missing."""
    processor, sqs, environment = _parts()
    if "probe" in event:
        return {"denied": _probe(sqs, environment)}
    failures = processor.process(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failures]}


def _probe(sqs: Any, environment: Environment) -> list[str]:
    """Try each permission by a call that cannot change anything."""
    control = control_of(environment, client("dynamodb"))
    # SQS refuses an empty body entry by entry, after it has authorised the call.
    empty = {"Id": "0", "MessageBody": "", "MessageGroupId": "probe", "MessageDeduplicationId": "probe"}
    url = environment[names.CHANGE_QUEUE_URL]
    return denials(
        control.read,
        control.rows.probe,
        lambda: sqs.send_message_batch(QueueUrl=url, Entries=[empty]),
    )
