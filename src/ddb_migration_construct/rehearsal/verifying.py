"""What Verify made of the tables: the migration's own passes, and one more by hand while the writers go on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ddb_migration_construct.cli.control_table import read_values
from ddb_migration_construct.cli.reports import Pass, standing
from ddb_migration_construct.cli.verify import ALL, Clients, verified
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.verdict import Differences

_LOOK_SECONDS = 0.5


def differences(deployed: Deployed, planted: int) -> Differences:
    """Return what the passes of the migration found and repaired."""
    reports = list(_reports(deployed))
    found = sum(standing(report) + report["repairs"]["repaired"] for report in reports)
    return Differences(planted, found, sum(report["repairs"]["repaired"] for report in reports))


def verify_again(deployed: Deployed) -> str:
    """Verify once more, as `ddb-migration verify` does, and return the verdict in words."""
    clients = Clients(deployed.client("glue"), deployed.client("s3"), deployed.dynamodb, deployed.client("lambda"))
    told = verified(clients, deployed.migration, ALL, repair=False, sleep=lambda _: time.sleep(_LOOK_SECONDS))
    return str(told.values["verdict"])


def _reports(deployed: Deployed) -> Iterator[dict[str, Any]]:
    record = read_values(deployed.dynamodb, deployed.migration.control_table)
    last = str(record.get("verify_pass") or "0")
    for number in range(1, (int(last) if last.isdigit() else 0) + 1):
        this = Pass(deployed.client("s3"), deployed.migration.bucket, str(record["epoch"]), str(number))
        report = this.report()
        if report is not None:
            yield report
