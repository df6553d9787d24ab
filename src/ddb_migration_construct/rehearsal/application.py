"""The rehearsal's application, which moves from table to table as the migration's events tell it to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ddb_migration_construct.rehearsal.comparison import Comparison, items_by_key
from ddb_migration_construct.rehearsal.cutting_over import cut_over
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.options import LEAST_WRITES, RehearsalOptions
from ddb_migration_construct.rehearsal.phase_events import PhaseEvents
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.rolling_back import roll_back
from ddb_migration_construct.rehearsal.switching import go_on
from ddb_migration_construct.rehearsal.verdict import Findings
from ddb_migration_construct.rehearsal.writers import Writers


@dataclass(frozen=True)
class Application:
    """Goes through the switches that were asked for, once the migration is ready; the findings say how it went."""

    deployed: Deployed
    options: RehearsalOptions
    events: PhaseEvents
    progress: Progress
    findings: Findings
    compare: Callable[[], Comparison]

    def switch(self, writers: Writers) -> None:
        """Follow the cut-over to the destination, and the roll back; raises what was not as it must be at one."""
        with self.progress.phase("cut over"):
            self._cut_over(writers)
        if self.options.rolls_back:
            with self.progress.phase("roll back"):
                self._roll_back(writers)
        self.findings.counts = self.deployed.counts()

    def _cut_over(self, writers: Writers) -> None:
        table, writes = self.deployed.destination, self.options.writes_after_cut_over
        self.findings.cut_over = cut_over(self.deployed, self.events, writers, self._counting(writers, table))
        go_on(writers, table, "destination", writes, self.progress)

    def _roll_back(self, writers: Writers) -> None:
        table, counting = self.deployed.source, self._counting(writers, self.deployed.source)
        self.findings.roll_back = roll_back(self.deployed, self.events, writers, self.progress, counting)
        go_on(writers, table, "source", LEAST_WRITES, self.progress)

    def _counting(self, writers: Writers, table: str) -> Callable[[], int]:
        """Return what counts the keys that are not right while nothing writes, in the table that is switched to."""

        def lost() -> int:
            self.findings.comparison = self.compare()
            names = self.options.key_shape.attributes()
            held = items_by_key(self.deployed.dynamodb, table, names)
            return max(self.findings.comparison.unequal, writers.answered.lost(held, self._time_to_live()))

        return lost

    def _time_to_live(self) -> str | None:
        told = self.deployed.dynamodb.describe_time_to_live(TableName=self.deployed.source)
        found: str | None = told["TimeToLiveDescription"].get("AttributeName")
        return found
