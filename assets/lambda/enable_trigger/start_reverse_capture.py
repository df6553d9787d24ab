"""StartReverseCapture: the path by which a migration can be rolled back, before it may cut over.

Capture first, here too: a change that is made right after the cut-over must find its way back.
"""

from __future__ import annotations

from ddb_migration import names
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from enable_trigger.parts import Answer, Call, Parts, done
from enable_trigger.settle import settled
from enable_trigger.start_capture import StreamReplaced, remove_unless_open


def run(parts: Parts, call: Call) -> Answer:
    """Start both mappings of the reverse path, and wait until its capture has settled.

    Deployed without `rollback_window`, a migration goes on without.
    """
    parts.control.enter(call.execution, names.START_REVERSE_CAPTURE_STATE)
    if parts.reverse is None:
        return done(reverse=False)
    record = _started(parts.reverse, call.execution)
    return done(reverse=True) if record.is_settled else settled(parts.reverse, call, record)


def _started(reverse: Parts, execution: str) -> ControlRecord:
    record = _capturing(reverse, execution)
    made = [
        reverse.mappings.ensure_stream(reverse.stream_processor, str(record.stream_arn)),
        reverse.mappings.ensure_queue(
            reverse.write_cdc, reverse.change_queue_arn, reverse.settings.max_apply_concurrency
        ),
    ]
    try:
        return reverse.control.set_once(execution, trigger_enabled_at=reverse.clock())
    except MigrationStopped:
        for mapping in made:
            remove_unless_open(reverse, mapping)
        raise


def _capturing(reverse: Parts, execution: str) -> ControlRecord:
    """Record the stream that is captured from now on.

    Until the cut-over the reverse path carries nothing, so another stream than the one recorded is taken in its place,
    and has to settle anew.
    """
    record, table = reverse.control.read(), reverse.tables.describe(reverse.source_arn)
    if table is None or table.stream_arn is None:
        raise StreamReplaced(
            "the destination has no stream, without which the migration cannot be rolled back: switch it on (NEW_IMAGE "
            "or NEW_AND_OLD_IMAGES) and start the migration again, or deploy it without rollback_window"
        )
    if record.stream_arn == table.stream_arn:
        return record
    return reverse.control.set(execution, stream_arn=table.stream_arn, captured_from=reverse.clock())
