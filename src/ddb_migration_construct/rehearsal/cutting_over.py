"""The cut-over of a rehearsal, under writers that follow the events as an application does."""

from __future__ import annotations

from collections.abc import Callable

from ddb_migration_construct._runtime import names
from ddb_migration_construct.cli.control_table import FENCED, UNFENCED, read_record
from ddb_migration_construct.cli.cut_over import preview, require_open
from ddb_migration_construct.cli.switching import Order, Switches
from ddb_migration_construct.cli.ways import THERE
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.phase_events import PhaseEvents
from ddb_migration_construct.rehearsal.switching import Follower, figures
from ddb_migration_construct.rehearsal.verdict import SwitchFigures
from ddb_migration_construct.rehearsal.writers import Writers


def cut_over(deployed: Deployed, events: PhaseEvents, writers: Writers, count_lost: Callable[[], int]) -> SwitchFigures:
    """Cut over as the command does, and count what was lost at the moment of the switch; the writers are held then.

    Raises CommandFailed when the migration refuses or turns back, SwitchNotSeen when an application was misled.
    """
    migration = deployed.migration
    found = preview(deployed.client("lambda"), migration)
    form = FENCED if found["fences"] else UNFENCED
    require_open(migration, found, form)
    if form == UNFENCED:
        # The operator's word has to be true.
        writers.hold()
    with Follower(events, names.HAS_CUT_OVER_PHASE, writers.hold if form == FENCED else lambda: None) as follower:
        following = Switches(deployed.states, deployed.dynamodb, THERE, Order(form)).order([migration])
        following.result(migration)
        follower.wait()
    record = read_record(deployed.dynamodb, migration.control_table)
    return figures(record, writers, follower.heard_at, count_lost())
