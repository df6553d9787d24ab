"""What SetupCheck tells of a set-up that may start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ddb_migration import names
from ddb_migration.aws.environment import Settings
from ddb_migration.core.bulk_plan import gentle_read_units
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup


def summary(setup: Setup, settings: Settings, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return mode, size and the limits chosen; sizes are DynamoDB's own figures, up to six hours old."""
    if setup.source is None:
        raise ValueError("a set-up without a source has findings and no summary")
    gentle = gentle_read_units(setup.source.provisioned_reads)
    return {
        "mode": names.LARGE if setup.is_large else names.DIRECT,
        "bytes": setup.source.size_bytes,
        "items": setup.source.item_count,
        "max_read_units_per_second": settings.max_read_units_per_second or gentle,
        "accepted": [str(finding) for finding in findings],
    }
