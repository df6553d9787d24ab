"""StartCapture: opens the epoch, or takes over an open one, and starts the stream mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ddb_migration import names
from ddb_migration.core.control_record import CLOSED, ControlRecord, MigrationStopped
from enable_trigger.parts import Answer, Call, Parts, done


class StreamReplaced(Exception):
    """The source's stream is not the one that capture began with; changes in between are lost."""


def run(parts: Parts, call: Call) -> Answer:
    """Hold the epoch, then make sure that its stream flows into StreamProcessor.

    An epoch that has begun to cut over goes on there: `cut_over` tells the state machine.
    """
    record = _hold(parts, call)
    if record.cut_over_started is not None:
        return done(epoch=record.epoch, cut_over=True)
    require_same_stream(parts, record)
    # Nobody has looked since the last execution ended; a mapping that nobody has touched has worked all the time.
    parts.change_path.look_at_capture(record)
    mapping = parts.mappings.ensure_stream(parts.stream_processor, str(record.stream_arn))
    try:
        parts.control.enter(call.execution, names.START_CAPTURE_STATE)
    except MigrationStopped:
        remove_unless_open(parts, mapping)
        raise
    return done(epoch=record.epoch, cut_over=False)


def remove_unless_open(parts: Parts, mapping: Mapping[str, Any]) -> None:
    """Delete what was just made where the migration was removed meanwhile: it must not outlive it.

    A call outlives its execution. Where another one runs the epoch now, the mapping is what that one goes on with.
    """
    if not parts.control.read().is_open:
        parts.mappings.delete(mapping)


def require_same_stream(parts: Parts, record: ControlRecord) -> None:
    """Raise StreamReplaced unless the source still has the stream of the epoch."""
    source = parts.tables.describe(parts.source_arn)
    now = source.stream_arn if source else None
    if now != record.stream_arn:
        raise StreamReplaced(
            f"capture began with the stream {record.stream_arn} and the source now has {now}: changes are lost "
            "to this migration; give it up (ddb-migration abort), empty the destination and start again"
        )


def _hold(parts: Parts, call: Call) -> ControlRecord:
    record = parts.control.read()
    if record.status == CLOSED and not record.tombstone:
        require_as_seen(call, record)
        return _open(parts, call.execution, record.epoch)
    record.require_open()
    return _taken_over(parts, record, call.execution)


def _taken_over(parts: Parts, record: ControlRecord, execution: str) -> ControlRecord:
    if record.execution == execution:
        return record
    if record.execution and parts.executions.is_running(record.execution):
        raise MigrationStopped(f"another execution runs this migration: {record.execution}")
    return parts.control.take_over(execution, record.execution)


def require_as_seen(call: Call, record: ControlRecord) -> None:
    """Raise MigrationStopped where the epoch was closed after SetupCheck had looked.

    Of an open epoch SetupCheck does not ask whether the destination is empty. Another epoch would then be filled over
    what the last one has left, or over a destination that the application has been switched to.
    """
    setup = call.given.get("setup", {})
    if (setup.get("epoch"), setup.get("status", CLOSED)) != (record.epoch, CLOSED):
        raise MigrationStopped(
            f"the epoch {record.epoch} was completed or given up after SetupCheck had looked, so nobody knows whether "
            "the destination is empty; to migrate once more, start again: ddb-migration start"
        )


def _open(parts: Parts, execution: str, after: str | None) -> ControlRecord:
    source = parts.tables.describe(parts.source_arn)
    if source is None or source.stream_arn is None:
        raise StreamReplaced("the source has no stream any more; switch it on and start again")
    parts.lock.acquire()
    try:
        return parts.control.open_epoch(parts.new_epoch(), execution, source.stream_arn, parts.clock(), after)
    except MigrationStopped:
        record = parts.control.read()
        if record.tombstone and record.status == CLOSED:
            # Removed meanwhile: nobody is left who would give the lock back.
            parts.lock.release()
        if not record.is_open:
            raise
        # A call that outlived its execution may have been first.
        return _taken_over(parts, record, execution)
