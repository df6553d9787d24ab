"""What SetupCheck tells of a set-up that may start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ddb_migration import names
from ddb_migration.core.checks.forecast import too_small
from ddb_migration.core.findings import Finding
from ddb_migration.core.forecast import forecast_seconds, write_rate
from ddb_migration.core.setup import Setup


def summary(setup: Setup, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return mode, size, limits and forecast; sizes are DynamoDB's own figures, up to six hours old.

    `epoch` and `status` are those of the epoch as it was found: only that one is gone on with, or followed by another.
    `max_write_units_per_second` is None where only the destination limits the writes; the forecast counts on
    `expected_write_units_per_second`.
    """
    if setup.source is None:
        raise ValueError("a set-up without a source has findings and no summary")
    return {
        "epoch": setup.record.epoch,
        "status": setup.record.status,
        "mode": names.LARGE if setup.is_large else names.DIRECT,
        "bytes": setup.source.size_bytes,
        "items": setup.source.item_count,
        "stream_view": setup.source.stream_view,
        "max_read_units_per_second": None if setup.is_large else setup.read_units,
        "max_write_units_per_second": setup.write_units,
        "expected_write_units_per_second": write_rate(setup),
        "forecast_seconds": round(forecast_seconds(setup)),
        "accepted": [f"[{finding.code}] {finding.found}" for finding in findings],
        "incomplete": setup.record.incomplete,
        "advice": list(too_small(setup)),
        "after_cut_over": _after_cut_over(setup),
    }


def _after_cut_over(setup: Setup) -> list[str]:
    attribute, there = setup.source_time_to_live, setup.destination_time_to_live
    if attribute is None or there is not None:
        return []
    return [f"switch on time to live at the destination, by the attribute {attribute}"]
