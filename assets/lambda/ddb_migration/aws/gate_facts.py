"""What the gate looks at, gathered: lag, queues, parked keys, streams, verify, changed keys."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.changed_keys import last_round
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.mappings import Mappings, works
from ddb_migration.aws.progress import APPLY, CAPTURE, Progress
from ddb_migration.aws.tables import Tables
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.gate import GateFacts, VerifyVerdict, closed_because, sample_of, unready_because
from ddb_migration.core.lag import Readings, lag_seconds
from ddb_migration.core.verify_report import VerifyReport


@dataclass(frozen=True)
class Gate:
    """The gate of one migration; all that it writes is what it said last.

    `reverse` is that of the reverse path, where the migration can be rolled back: there is no cut-over while that path
    is not in order.

    `report` reads the report of a pass, given epoch and pass, None before the pass has ended; `clock` gives epoch
    seconds.
    """

    control: ControlTable
    tables: Tables
    mappings: Mappings
    queue: ChangeQueue
    dead_letter_queue: ChangeQueue
    source_arn: str
    stream_processor: str
    write_cdc: str
    change_queue_arn: str
    report: Callable[[str, str], VerifyReport | None]
    reverse: Gate | None = None
    clock: Callable[[], float] = time.time

    def closed_because(self, record: ControlRecord) -> tuple[str, ...]:
        """Return why cut-over is not allowed, and keep what was said for the report."""
        facts = self.facts(record)
        reasons = closed_because(facts)
        told = {"at": self.clock(), "reasons": reasons, "lag_seconds": facts.lag_seconds}
        text = json.dumps({**told, "accepted_sample": _accepted(record, facts)})
        self.control.rows.update(f"gate#{record.epoch}", "last", "SET #told = :told", {"told": text})
        return reasons

    def facts(self, record: ControlRecord) -> GateFacts:
        """Return the facts as they are now; nothing is written."""
        epoch = str(record.epoch)
        source = self.tables.describe(self.source_arn)
        last = last_round(self.control.rows, epoch)
        return GateFacts(
            lag_seconds=self.lag(record),
            dead_letters=self.dead_letter_queue.depth(),
            parked=self.control.parked(epoch),
            stream_arn=record.stream_arn,
            current_stream_arn=source.stream_arn if source is not None else None,
            verdict=self._verdict(record),
            verified_at=record.verified_at,
            stuck_keys=last.stuck if last is not None else 0,
            incomplete=record.incomplete,
            incomplete_at=record.incomplete_at,
            accepted_sample=record.accepted_sample,
            paused_by=(record.paused_by or "somebody") if record.paused else None,
            paused_since=record.paused_since,
            direction=record.direction,
            no_way_back=self.reverse.unready_because() if self.reverse is not None else (),
        )

    def unready_because(self) -> tuple[str, ...]:
        """Return what keeps this path from carrying changes from now on, as the path of a roll back."""
        record = self.control.read()
        return unready_because(self.facts(record), record.is_settled)

    def lag(self, record: ControlRecord) -> float | None:
        """Return the lag in seconds, None while it cannot be known."""
        progress = Progress(self.control.rows, str(record.epoch))
        readings = Readings(
            queued=self.queue.depth(),
            captures=progress.reports(CAPTURE),
            applies=progress.reports(APPLY),
            capture_works=self._works(self.stream_processor, str(record.stream_arn)),
            apply_works=self._works(self.write_cdc, self.change_queue_arn),
        )
        return lag_seconds(readings, self.clock())

    def _works(self, function: str, source_arn: str) -> bool:
        found = self.mappings.of(function, source_arn)
        return bool(found) and works(found[0])

    def _verdict(self, record: ControlRecord) -> VerifyVerdict | None:
        if record.verify_pass is None:
            return None
        report = self.report(str(record.epoch), record.verify_pass)
        return VerifyVerdict(record.verify_pass, ended=False) if report is None else verdict_of(report)


def _accepted(record: ControlRecord, facts: GateFacts) -> dict[str, Any] | None:
    """Return the sample on which the gate is open, and who accepted it when (epoch seconds)."""
    sample = sample_of(facts)
    if sample is None or sample.verify_pass != record.accepted_sample:
        return None
    by = {"by": record.accepted_by, "at": record.cut_over_started}
    return {"pass": sample.verify_pass, "share": sample.sample, **by}


def verdict_of(report: VerifyReport) -> VerifyVerdict:
    """Return what the gate wants to know of a pass's report; what was not looked at again counts as different."""
    return VerifyVerdict(
        verify_pass=report.pass_id,
        segments=report.segments_planned,
        compared_segments=sum(segment.last - segment.first + 1 for segment in report.segments),
        differences=report.standing + report.found.unchecked,
        sample=1.0 if report.sampled is None else report.sampled,
    )
