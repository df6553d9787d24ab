"""One verify task from beginning to end: the engine in its world, for the segments that the driver gave it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ddb_migration.aws.asyncio_port import AsyncioPort, End, run
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.bulk_readers import SegmentReader
from ddb_migration.aws.clients import client, writer
from ddb_migration.aws.job_metrics import JobMetrics
from ddb_migration.aws.verify_engine import VerifyEngine
from ddb_migration.aws.verify_pass import VerifyPass
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.item_text import Requests
from ddb_migration.core.matching import Matching


def match_segments(this: VerifyPass, total: int, runs: Sequence[Sequence[int]], tasks: int) -> None:
    """Read segments (of `total`) of both tables, match them and keep what came of each.

    `tasks` run side by side and share the rates. Raises MigrationStopped when the pass may not go on.
    """
    engines: list[VerifyEngine] = []
    metrics = JobMetrics(this.migration_name, lambda: client("cloudwatch"))

    def start(port: AsyncioPort, finished: Callable[[Exception | None], None]) -> None:
        gate = Gate(port, this.control.read, this.epoch, tasks, ControlRecord.require_verify)
        other = port.at_destination(_reads(this.destination_table))
        readers = (SegmentReader(port, total), SegmentReader(other, total))

        def tell(line: str) -> None:
            print(line, flush=True)
            throttled = engines[0].throttled_calls
            if throttled:
                port.aside(lambda: metrics.tell(throttled), lambda _: None)

        engines.append(
            VerifyEngine(port, readers, gate, runs, lambda: Matching(this.key_names), this.objects.keep, finished, tell)
        )
        engines[0].start()

    ends = (End(writer("dynamodb"), this.source_table), End(this.destination.sender(), this.destination_table))
    try:
        run(ends, _reads(this.source_table), this.key_names, start)
    finally:
        if engines:
            metrics.tell(engines[0].throttled_calls, is_last=True)


def _reads(table: str) -> Requests:
    # Not consistent: half the price, and what a read shows too late is read again, consistently.
    return Requests(table, table, consistent=False)
