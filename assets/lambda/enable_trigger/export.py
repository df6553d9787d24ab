"""Export: the source as of a time after Settle, written to the migration bucket."""

from __future__ import annotations

from botocore.exceptions import ClientError

from ddb_migration import names
from ddb_migration.aws.errors import code
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
    restorable = parts.tables.latest_restorable(parts.source_arn)
    if restorable is None:
        raise ExportFailed(
            f"point-in-time recovery is off for {parts.source_arn}, and DynamoDB exports no table without it: switch "
            "it on and start again"
        )
    if restorable < moment:
        return poll(call, "the export's time to become restorable, usually five minutes")
    try:
        arn = parts.exports.start(str(record.epoch), moment)
    except ClientError as error:
        if code(error) != "InvalidExportTimeException":
            raise
        return _later(parts, call)
    parts.control.set_once(call.execution, export_arn=arn)
    return poll(call, "the export")


def _later(parts: Parts, call: Call) -> Answer:
    """Take another time where recovery does not reach back to the first: it was off since, or that is too long ago.

    Any time will do that lies after Settle, for from then on every change is captured.
    """
    parts.control.forget_export(call.execution)
    return poll(call, "another time to export: point-in-time recovery does not reach back to the first")


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
