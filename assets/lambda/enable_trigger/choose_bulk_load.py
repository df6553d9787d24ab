"""ChooseBulkLoad: direct below the threshold, large from it on; decided once in an epoch."""

from __future__ import annotations

from typing import Any

from ddb_migration import names
from ddb_migration.core.bulk_plan import direct_plan, gentle_read_units, tasks_for
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.table import Table
from enable_trigger.parts import Answer, Call, Parts, done, paused
from enable_trigger.start_capture import StreamReplaced

NONE = "none"


def run(parts: Parts, call: Call) -> Answer:
    """Answer which bulk load is to run; none when the epoch's is behind the barrier already."""
    record = parts.control.enter(call.execution, names.CHOOSE_BULK_LOAD_STATE)
    if record.apply_started is not None:
        return done(bulk_load=NONE, epoch=record.epoch)
    # Before a job runs, because its workers cost money while they wait.
    if waits := paused(call, record):
        return waits
    if record.bulk_load is None:
        record = _choose(parts, call)
    return done(bulk_load=record.bulk_load, epoch=record.epoch)


def _choose(parts: Parts, call: Call) -> ControlRecord:
    source = parts.tables.describe(parts.source_arn)
    if source is None:
        raise StreamReplaced("the source table is gone")
    reads = parts.settings.max_read_units_per_second or gentle_read_units(source)
    size = {"source_items": source.item_count, "source_bytes": source.size_bytes, "bulk_began_at": parts.clock()}
    chosen: dict[str, Any] = {**_plan(parts, source), **size, "max_read_units_per_second": reads}
    if parts.settings.max_write_units_per_second is not None:
        chosen["max_write_units_per_second"] = parts.settings.max_write_units_per_second
    return parts.control.set_once(call.execution, **chosen)


def _plan(parts: Parts, source: Table) -> dict[str, str]:
    if source.size_bytes >= parts.settings.size_threshold_bytes:
        return {"bulk_load": names.LARGE}
    tasks = tasks_for(parts.settings.worker_type, parts.settings.max_workers)
    return {"bulk_load": names.DIRECT, "plan": direct_plan(source.size_bytes, tasks).to_text()}
