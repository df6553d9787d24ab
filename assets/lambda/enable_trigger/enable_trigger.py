"""EnableTrigger: the mapping from the change queue to WriteCdc."""

from __future__ import annotations

from ddb_migration import names
from ddb_migration.core.changed_index import shards_for
from ddb_migration.core.control_record import MigrationStopped
from enable_trigger.parts import Answer, Call, Parts, done
from enable_trigger.start_capture import remove_unless_open


def run(parts: Parts, call: Call) -> Answer:
    """Create or enable the mapping; only behind the barrier."""
    parts.control.enter(call.execution, names.ENABLE_TRIGGER_STATE).require_apply()
    # Before anything is applied, and once: writers and readers of the index must agree on it for the whole epoch.
    parts.control.set_once(call.execution, changed_shards=shards_for(parts.settings.max_apply_concurrency))
    mapping = parts.mappings.ensure_queue(parts.write_cdc, parts.change_queue_arn, parts.settings.max_apply_concurrency)
    try:
        parts.control.set_once(call.execution, trigger_enabled_at=parts.clock())
    except MigrationStopped:
        remove_unless_open(parts, mapping)
        raise
    return done()
