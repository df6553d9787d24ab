"""EnableTrigger: the mapping from the change queue to WriteCdc."""

from __future__ import annotations

from typing import Any

from ddb_migration import names
from ddb_migration.aws.mappings import ForeignMapping
from ddb_migration.core.changed_index import shards_for
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from enable_trigger.parts import Answer, Call, Parts, done, paused
from enable_trigger.start_capture import remove_unless_open


def run(parts: Parts, call: Call) -> Answer:
    """Create or enable the mapping; only behind the barrier."""
    record = parts.control.enter(call.execution, names.ENABLE_TRIGGER_STATE)
    record.require_apply()
    if waits := _paused(parts, call, record):
        return waits
    # Before anything is applied, and once: writers and readers of the index must agree on it for the whole epoch.
    parts.control.set_once(call.execution, changed_shards=shards_for(parts.settings.max_apply_concurrency))
    mapping = _mapping(parts, record)
    try:
        record = parts.control.set_once(call.execution, trigger_enabled_at=parts.clock())
    except MigrationStopped:
        remove_unless_open(parts, mapping)
        raise
    # It may have been paused between the look and the mapping.
    return _paused(parts, call, record) or done()


def _mapping(parts: Parts, record: ControlRecord) -> dict[str, Any]:
    """Make or adopt the mapping; what a foreign one may have deleted makes the epoch incomplete."""
    try:
        return parts.mappings.ensure_queue(
            parts.write_cdc, parts.change_queue_arn, parts.settings.max_apply_concurrency
        )
    except ForeignMapping as error:
        parts.control.note_incomplete(str(record.epoch), str(error), parts.clock())
        raise


def _paused(parts: Parts, call: Call, record: ControlRecord) -> Answer | None:
    """Wait while the migration is paused, and see to it that the mapping is not Enabled meanwhile."""
    waits = paused(call, record)
    if waits:
        parts.mappings.disable(parts.write_cdc, parts.change_queue_arn)
    return waits
