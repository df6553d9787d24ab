"""The roll back of a rehearsal, under writers that follow the events as an application does."""

from __future__ import annotations

import time
from collections.abc import Callable

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.control_table import read_record
from ddb_migration_construct.cli.roll_back import preview, reasons_against
from ddb_migration_construct.cli.switching import Order, Switches, require_none
from ddb_migration_construct.cli.ways import BACK
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.phase_events import PhaseEvents
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.switching import Follower, figures
from ddb_migration_construct.rehearsal.verdict import SwitchFigures
from ddb_migration_construct.rehearsal.writers import Writers

_POLL_SECONDS = 1.0
# What the application wrote meanwhile is carried back within this, on a slow machine too.
_OPEN_WITHIN_SECONDS = 300.0


def roll_back(
    deployed: Deployed, events: PhaseEvents, writers: Writers, progress: Progress, count_lost: Callable[[], int]
) -> SwitchFigures:
    """Roll back as the command does, and count what was lost at the moment of the switch; the writers are held then.

    Raises CommandFailed when the migration refuses or turns back, SwitchNotSeen when an application was misled.
    """
    migration = deployed.migration
    _wait_until_open(deployed, writers, progress)
    writers.may_be_denied = True
    with Follower(events, names.ROLLED_BACK_PHASE, writers.hold) as follower:
        following = Switches(deployed.states, deployed.dynamodb, BACK, Order()).order([migration])
        following.result(migration)
        follower.wait()
    record = read_record(deployed.dynamodb, migration.control_table, BACK.prefix)
    return figures(record, writers, follower.heard_at, count_lost())


def _wait_until_open(deployed: Deployed, writers: Writers, progress: Progress) -> None:
    """Wait as an operator does who is told what stands against a roll back."""
    until = time.monotonic() + _OPEN_WITHIN_SECONDS
    while reasons := reasons_against(preview(deployed.client("lambda"), deployed.migration)):
        if time.monotonic() > until:
            require_none(reasons, deployed.migration, BACK)
        writers.check()
        progress.show({"not yet": reasons[0]})
        time.sleep(_POLL_SECONDS)
