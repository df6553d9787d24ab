"""Verify: opens a pass of VerifyJob, unless the epoch has been verified already."""

from __future__ import annotations

import itertools

from ddb_migration import names
from ddb_migration.core.control_record import ControlRecord
from enable_trigger.parts import Answer, Call, Parts, done, paused
from enable_trigger.start_capture import require_same_stream


def run(parts: Parts, call: Call) -> Answer:
    """Answer which pass is to run, and whether one is needed; a pass that has not ended is gone on with."""
    record = parts.control.enter(call.execution, names.VERIFY_STATE)
    require_same_stream(parts, record)
    if waits := paused(call, record):
        return waits
    if record.verified_at is None:
        record = _with_pass(parts, call, record)
    return done(epoch=record.epoch, pass_id=record.verify_pass, needed=record.verified_at is None)


def _with_pass(parts: Parts, call: Call, record: ControlRecord) -> ControlRecord:
    if record.verify_pass is None:
        return parts.control.set_once(call.execution, verify_pass=_next(parts, record))
    report = parts.verify_objects(str(record.epoch), record.verify_pass).report()
    if report is None or report.repairs.ended_at is None:
        return record
    return parts.control.next_pass(call.execution, record.verify_pass, _next(parts, record))


def _next(parts: Parts, record: ControlRecord) -> str:
    """Return the first number that no pass of the epoch had: some may have been run by hand."""
    numbers = map(str, itertools.count(1))
    return next(number for number in numbers if parts.verify_objects(str(record.epoch), number).report() is None)
