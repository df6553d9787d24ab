"""One verify pass: its arguments, its parts, and its end; what runs in between is in the job's script."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ddb_migration.aws.both_sides import BothSides
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.clients import client
from ddb_migration.aws.control_table import ControlTable
from ddb_migration.aws.destination_access import DestinationAccess
from ddb_migration.aws.progress import APPLY, CAPTURE, Progress
from ddb_migration.aws.tables import Tables
from ddb_migration.aws.verify_generations import Generations, KeyLooks, Settled, kinds
from ddb_migration.aws.verify_objects import VerifyObjects
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.bulk_plan import BulkPlan
from ddb_migration.core.generations import ACCEPTED, AGREES, EXPIRED, PARKED
from ddb_migration.core.lag import Readings, lag_seconds
from ddb_migration.core.verify_plan import VerifyPlan, share_of, verify_plan
from ddb_migration.core.verify_report import LISTED, Found, Segment, TableCount, VerifyReport

ARGUMENTS = (
    "migration_name",
    "control_table",
    "source_table",
    "destination_table",
    "destination_role",
    "bucket",
    "change_queue",
    "epoch",
    "pass_id",
    "sample",
    "settle_seconds",
)
# So many rows of segments are in a report; of more, neighbours are joined.
MOST_SEGMENTS = 1024
_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Summary:
    """One matched segment without its leftovers: their number is told."""

    segment: Segment
    read_units: tuple[float, float]
    leftovers: int


@dataclass(frozen=True)
class VerifyPass:
    """One pass, as the driver sees it and as it travels to the tasks; `settle_seconds` is the generations' floor.

    It has as many `tasks` as the bulk load had, at the most.
    """

    migration_name: str
    control_table: str
    source_table: str
    destination_table: str
    destination_role: str
    bucket: str
    change_queue: str
    epoch: str
    pass_id: str
    sampled: float | None
    settle_seconds: float
    stream_arn: str
    key_names: tuple[str, ...]
    tasks: int
    size_bytes: int
    expires_by: tuple[str | None, str | None]

    @classmethod
    def of(cls, arguments: Mapping[str, str]) -> VerifyPass:
        """Read arguments and tables; raises MigrationStopped when this epoch's tables cannot be compared (any more)."""
        record = ControlTable(client("dynamodb"), arguments["control_table"]).read()
        record.require_verify(arguments["epoch"])
        access = DestinationAccess.of(arguments["destination_table"], arguments["destination_role"])
        sources, destinations = Tables(client("dynamodb")), Tables(access.client())
        source = sources.require(arguments["source_table"])
        destination = destinations.require(access.table_arn)
        texts = {name: arguments[name] for name in ARGUMENTS if name not in ("sample", "settle_seconds")}
        return cls(
            **texts,
            sampled=share_of(arguments["sample"]),
            settle_seconds=float(arguments["settle_seconds"]),
            stream_arn=str(record.stream_arn),
            key_names=source.key_names,
            tasks=BulkPlan.from_text(str(record.plan)).tasks,
            size_bytes=max(source.size_bytes, destination.size_bytes),
            expires_by=(sources.time_to_live(source.arn), destinations.time_to_live(destination.arn)),
        )

    @property
    def destination(self) -> DestinationAccess:
        """Return how the destination is called."""
        return DestinationAccess.of(self.destination_table, self.destination_role)

    @property
    def control(self) -> ControlTable:
        """Return the control table."""
        return ControlTable(client("dynamodb"), self.control_table)

    @property
    def objects(self) -> VerifyObjects:
        """Return the pass's objects."""
        return VerifyObjects(client("s3"), self.bucket, self.epoch, self.pass_id)

    def plan(self, tasks: int) -> VerifyPlan:
        """Return the pass's plan: that of an earlier run, or one for so many tasks."""
        plan = self.objects.plan()
        if plan is None:
            plan = verify_plan(self.size_bytes, tasks, self.sampled, time.time())
            self.objects.keep_plan(plan)
        return plan

    def summary(self, segment: int) -> Summary:
        """Return what came of a segment that is done."""
        matched = self.objects.matched(segment)
        row = Segment(segment, segment, *matched.items, *matched.digests)
        return Summary(row, matched.read_units, len(matched.leftovers))

    def settle(self, keys: Iterable[Item]) -> tuple[Settled, tuple[float, float]]:
        """Look at candidates until they are settled; return also the read units of source and destination."""
        rate = self.control.read().max_read_units_per_second
        there = self.destination.client()
        sides = BothSides(client("dynamodb"), self.source_table, self.destination_table, rate, destination_client=there)
        looks = KeyLooks(sides, self.control_table, self.stream_arn, self.epoch, self.expires_by)
        settled = Generations(looks, self.lag, self.permit, self.settle_seconds).settle(keys)
        return settled, (sides.units[self.source_table], sides.units[self.destination_table])

    def permit(self) -> None:
        """Wait while the migration pauses; raises MigrationStopped when the pass may not go on."""
        record = self.control.read()
        while record.paused:
            time.sleep(_PAUSE_SECONDS)
            record = self.control.read()
            record.require_verify(self.epoch)
        record.require_verify(self.epoch)

    def lag(self) -> float | None:
        """Return the lag in seconds, None while it cannot be known.

        Whether the mappings work is not asked here: a pass cannot tell, and the gate does.
        """
        progress = Progress(self.control.rows, self.epoch)
        depth = ChangeQueue(client("sqs"), self.change_queue).depth()
        return lag_seconds(
            Readings(depth, progress.reports(CAPTURE), progress.reports(APPLY), capture_works=True, apply_works=True),
            time.time(),
        )

    def end(self, report: VerifyReport) -> None:
        """Keep the report, say in the control record what it shows, and delete all else of the pass."""
        self.objects.keep_report(report)
        self.control.note_verify(report)
        self.objects.delete_work()

    def report(
        self,
        plan: VerifyPlan,
        summaries: Sequence[Summary],
        skipped: int,
        settled: Settled,
        units: tuple[float, float],
        unchecked: int,
    ) -> VerifyReport:
        """Return the report of the pass; `units` are those of the generations, `skipped` segments were done before."""
        rows = [summary.segment for summary in sorted(summaries, key=lambda summary: summary.segment.first)]
        counts = [
            TableCount(
                (self.source_table, self.destination_table)[side],
                sum((row.source_items, row.destination_items)[side] for row in rows),
                units[side] + sum(summary.read_units[side] for summary in summaries),
            )
            for side in (0, 1)
        ]
        return VerifyReport(
            epoch=self.epoch,
            pass_id=self.pass_id,
            stream_arn=self.stream_arn,
            began_at=plan.began_at,
            ended_at=time.time(),
            source=counts[0],
            destination=counts[1],
            segments_planned=len(plan.chosen),
            segments=_joined(rows),
            found=_found(settled, unchecked),
            generations=tuple(settled.generations),
            differences=tuple(settled.differences[:LISTED]),
            in_motion=tuple(settled.in_motion[:LISTED]),
            sampled=plan.sampled,
            units_skipped=skipped,
            lag_seconds=self.lag(),
            changes_applied=int(Progress(self.control.rows, self.epoch).totals()["applied"]),
        )


def _found(settled: Settled, unchecked: int) -> Found:
    return Found(
        agreed=settled.outcomes[AGREES],
        expired=settled.outcomes[EXPIRED],
        parked=settled.outcomes[PARKED],
        accepted=settled.outcomes[ACCEPTED],
        in_motion=len(settled.in_motion),
        unchecked=unchecked + settled.unsettled,
        **kinds(settled.differences),
    )


def _joined(rows: Sequence[Segment]) -> tuple[Segment, ...]:
    """Join neighbours where there are too many rows."""
    most = -(-len(rows) // MOST_SEGMENTS)
    joined: list[Segment] = []
    for row in rows:
        last = joined[-1] if joined else None
        if last is not None and last.last + 1 == row.first and row.first - last.first < most:
            joined[-1] = last.joined(row)
        else:
            joined.append(row)
    return tuple(joined)
