"""From an empty source to a migration that is complete, under writers; and what that has proven."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ddb_migration_construct.cli.control_table import FENCED, read_record
from ddb_migration_construct.cli.cut_over import preview, reasons_against
from ddb_migration_construct.cli.switching import Order, Switches
from ddb_migration_construct.cli.view import view_for
from ddb_migration_construct.cli.ways import THERE
from ddb_migration_construct.rehearsal.comparison import Comparison, compare_tables, items_by_key
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.ending import complete
from ddb_migration_construct.rehearsal.following import Execution
from ddb_migration_construct.rehearsal.items import HostileItems
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.seeding import seed
from ddb_migration_construct.rehearsal.switching import go_on
from ddb_migration_construct.rehearsal.writers import Writers

KEY = KeyShape.parse("sn")
ITEMS, WRITES_PER_SECOND, WRITES_AFTER = 200, 10.0, 20
READY_WITHIN_SECONDS = 7200.0
OPEN_WITHIN_SECONDS = 1800.0


class NothingProven(Exception):
    """All went well and shows nothing, because nothing was there to go wrong."""


@dataclass(frozen=True)
class Proof:
    """What a run has done, and what was wrong at the moment of the switch."""

    items: int
    writes: int
    applied: int
    refused: int
    written_after: int
    unequal: int
    lost: int

    def require(self) -> None:
        """Raise NothingProven where one of the figures that must not be zero is."""
        shown = {name: getattr(self, name) for name in ("items", "writes", "applied", "refused", "written_after")}
        empty = [name for name, figure in shown.items() if figure <= 0]
        if empty:
            raise NothingProven(f"{', '.join(empty)}: none; so the migration was not put to the test")


def migrate(deployed: Deployed, poll_seconds: float, say: Callable[[str], None]) -> Proof:
    """Migrate under writers, cut over with a fence, write to the destination, and complete."""
    items = HostileItems(1, KEY)
    seed(deployed.dynamodb, deployed.source, items, ITEMS)
    say(f"{ITEMS} items are in the source; {WRITES_PER_SECOND:g} writes a second begin")
    source, rate = deployed.source, WRITES_PER_SECOND
    with Writers(deployed.dynamodb, source, items, population=ITEMS, writes_per_second=rate) as writers:
        _until_ready(deployed, writers, poll_seconds, say)
        before = writers.writes
        _cut_over(deployed, poll_seconds)
        writers.hold()
        refused, compared = len(writers.refusals), _compared(deployed)
        lost = writers.answered.lost(items_by_key(deployed.dynamodb, deployed.destination, KEY.attributes()))
        say(f"cut over; {refused} writes were refused meanwhile; {compared.source_items} items were compared")
        with Progress(view_for()) as progress:
            go_on(writers, deployed.destination, "destination", WRITES_AFTER, progress)
        after = writers.stop() - before
    applied = deployed.counts().get("applied", 0)
    complete(deployed)
    return Proof(compared.destination_items, before, applied, refused, after, compared.unequal, lost)


def _until_ready(deployed: Deployed, writers: Writers, poll_seconds: float, say: Callable[[str], None]) -> None:
    answer = deployed.states.start_execution(stateMachineArn=deployed.migration.state_machine_arn, input="{}")
    execution = Execution(deployed.states, answer["executionArn"])

    def is_ready() -> bool:
        # Raises where the execution has failed, with the error and its cause.
        execution.is_running()
        for state in execution.newly_entered():
            say(f"state {state}")
        writers.check()
        return deployed.is_ready()

    _wait(is_ready, READY_WITHIN_SECONDS, poll_seconds, "the migration is not ready to cut over")


def _cut_over(deployed: Deployed, poll_seconds: float) -> None:
    migration = deployed.migration

    def against() -> list[str]:
        return reasons_against(migration, preview(deployed.client("lambda"), migration), FENCED)

    _wait(lambda: not against(), OPEN_WITHIN_SECONDS, poll_seconds, "the gate does not open")
    Switches(deployed.states, deployed.dynamodb, THERE, Order(FENCED)).order([migration]).result(migration)
    record = read_record(deployed.dynamodb, migration.control_table)
    assert record.cut_over_at


def _compared(deployed: Deployed) -> Comparison:
    return compare_tables(deployed.dynamodb, deployed.source, deployed.destination, KEY.attributes())


def _wait(done: Callable[[], Any], within: float, poll_seconds: float, otherwise: str) -> None:
    until = time.monotonic() + within
    while not done():
        if time.monotonic() > until:
            raise TimeoutError(f"{otherwise} after {within:.0f} s")
        time.sleep(poll_seconds)
