"""Export: the source as of a time after Settle, written to the migration bucket."""

from __future__ import annotations

from ddb_migration import names
from ddb_migration.core.bulk_plan import BulkPlan, tasks_for
from ddb_migration.core.control_record import ControlRecord
from enable_trigger.parts import Answer, Call, Parts, done, paused, poll


class ExportFailed(Exception):
    """DynamoDB could not export the source."""


def run(parts: Parts, call: Call) -> Answer:
    """Export at a time T, once T is restorable, and plan the load of what was written."""
    record = parts.control.enter(call.execution, names.EXPORT_STATE)
    # Neither the job, whose workers cost money while they wait, nor an export begins in a pause.
    begins_something = record.plan is not None or record.export_arn is None
    if begins_something and (waits := paused(call, record)):
        return waits
    if record.plan is not None:
        return done(epoch=record.epoch)
    if record.export_time is None:
        # ExportTime has a granularity of one second (DynamoDB API); capture has settled for five minutes.
        record = parts.control.set_once(call.execution, export_time=int(parts.clock()))
    if record.export_arn is None:
        return _start(parts, call, record)
    return _follow(parts, call, record)


def _start(parts: Parts, call: Call, record: ControlRecord) -> Answer:
    moment = float(record.export_time or 0)
    if parts.tables.latest_restorable(parts.source_arn) < moment:
        return poll(call, "the export's time to become restorable, usually five minutes")
    arn = parts.exports.start(str(record.epoch), moment)
    parts.control.set_once(call.execution, export_arn=arn)
    return poll(call, "the export")


def _follow(parts: Parts, call: Call, record: ControlRecord) -> Answer:
    description = parts.exports.describe(str(record.export_arn))
    if description["ExportStatus"] == "FAILED":
        parts.control.forget_export(call.execution)
        reason = f"{description.get('FailureCode')}: {description.get('FailureMessage')}"
        raise ExportFailed(f"DynamoDB could not export the source: {reason}; mend that and start again")
    if description["ExportStatus"] != "COMPLETED":
        return poll(call, "the export")
    tasks = tasks_for(parts.settings.worker_type, parts.settings.max_workers)
    plan = BulkPlan(units=0, tasks=tasks, manifest=description["ExportManifest"])
    parts.control.set_once(call.execution, plan=plan.to_text())
    return done(epoch=record.epoch)
