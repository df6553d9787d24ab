"""The checks of SetupCheck, one module for each thing they look at; all are pure."""

from __future__ import annotations

from ddb_migration.core.checks.destination import destination
from ddb_migration.core.checks.epoch import epoch
from ddb_migration.core.checks.fence import fence
from ddb_migration.core.checks.forecast import forecast
from ddb_migration.core.checks.indexes import indexes
from ddb_migration.core.checks.keys import keys
from ddb_migration.core.checks.permissions import own_role
from ddb_migration.core.checks.reach import reach
from ddb_migration.core.checks.readers import readers
from ddb_migration.core.checks.source import source
from ddb_migration.core.checks.time_to_live import time_to_live
from ddb_migration.core.checks.way_back import way_back
from ddb_migration.core.findings import Finding
from ddb_migration.core.setup import Setup

_CHECKS = (source, readers, destination, reach, keys, indexes, time_to_live, forecast, fence, way_back, own_role, epoch)


def check(setup: Setup) -> list[Finding]:
    """Return every finding of the set-up, in the order of the path; roles are probed elsewhere.

    From the cut-over on only what the execution itself needs is asked: the tables are the application's again.
    """
    if setup.record.is_open and setup.record.cut_over_started is not None:
        return [finding for finding in epoch(setup) if finding.code == "already-running"]
    return [finding for look in _CHECKS for finding in look(setup)]


__all__ = ["check"]
