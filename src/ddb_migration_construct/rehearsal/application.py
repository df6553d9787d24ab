"""The rehearsal's application, which moves from table to table as the migration's events tell it to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ddb_migration_construct.rehearsal.comparison import Comparison, items_by_key
from ddb_migration_construct.rehearsal.cutting_over import cut_over
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.phase_events import PhaseEvents
from ddb_migration_construct.rehearsal.progress import Progress
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
        """Follow the cut-over to the destination; raises what a switch raises that is not as it must be."""
        destination = self.deployed.destination
        with self.progress.phase("cut over"):
            counting = self._counting(writers, destination)
            self.findings.cut_over = cut_over(self.deployed, self.events, writers, counting)
            go_on(writers, destination, "destination", self.options.writes_after_cut_over, self.progress)
        self.findings.counts = self.deployed.counts()

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
