"""One rehearsal under way: an AWS of its own, a migration deployed to it, writers, and the comparison at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.roll_back import require_window
from ddb_migration_construct.rehearsal.app_selection import AppNotRehearsable
from ddb_migration_construct.rehearsal.application import Application
from ddb_migration_construct.rehearsal.class_archive import make_class_archive
from ddb_migration_construct.rehearsal.comparison import Comparison, compare_tables
from ddb_migration_construct.rehearsal.denials import denials_in
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.deployment import DeploymentFailed
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws, EmbeddedAwsFailed
from ddb_migration_construct.rehearsal.embedded_environment import EnvironmentFailed, embedded_python
from ddb_migration_construct.rehearsal.ending import abort, complete, left_behind, source_policy
from ddb_migration_construct.rehearsal.following import ExecutionFailed, Stalled
from ddb_migration_construct.rehearsal.given_items import ItemsFileInvalid
from ddb_migration_construct.rehearsal.interruptions import Interruptions
from ddb_migration_construct.rehearsal.last_drain import NotDrained
from ddb_migration_construct.rehearsal.migrating import drain_the_last, migrate
from ddb_migration_construct.rehearsal.options import ABORT, COMPLETE, ROLL_BACK, RehearsalOptions
from ddb_migration_construct.rehearsal.page import write_page
from ddb_migration_construct.rehearsal.phase_events import PhaseEvents
from ddb_migration_construct.rehearsal.plants import PlantNotPossible
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.sampling import Sample, Sampler
from ddb_migration_construct.rehearsal.seeding import SeedingFailed, seed
from ddb_migration_construct.rehearsal.switching import SwitchNotSeen
from ddb_migration_construct.rehearsal.synthesis import SynthesisFailed
from ddb_migration_construct.rehearsal.table_items import items_of
from ddb_migration_construct.rehearsal.verdict import Failure, Findings
from ddb_migration_construct.rehearsal.writers import WriterFailed, Writers
from ddb_migration_construct.toolchain import ToolNotFoundError

# What may go wrong without an error in the rehearsal itself: reported in the verdict instead of a traceback.
FAILURES = (
    AppNotRehearsable,
    BotoCoreError,
    ClientError,
    CommandFailed,
    DeploymentFailed,
    EmbeddedAwsFailed,
    EnvironmentFailed,
    ExecutionFailed,
    ItemsFileInvalid,
    NotDrained,
    PlantNotPossible,
    SeedingFailed,
    Stalled,
    SwitchNotSeen,
    SynthesisFailed,
    ToolNotFoundError,
    WriterFailed,
)


class Subject(Protocol):
    """A migration to rehearse, with one bulk load."""

    @property
    def name(self) -> str | None:
        """The migration's name in a team's app; None for the rehearsal's own."""

    @property
    def mode(self) -> str:
        """The bulk load."""

    def assemble(self, progress: Progress) -> None:
        """See to it that the app is synthesised; meanwhile the embedded AWS has started."""

    def deploy(self, aws: EmbeddedAws, folder: Path) -> Deployed:
        """Deploy the migration and its tables; the folder is the rehearsal's own."""

    def options(self, deployed: Deployed) -> RehearsalOptions:
        """Return the options with the key that the tables have."""


@dataclass(frozen=True)
class Rehearsing:
    """One rehearsal under way."""

    subject: Subject
    folder: Path
    options: RehearsalOptions
    progress: Progress
    findings: Findings
    interruptions: Interruptions

    def run(self) -> None:
        """Rehearse; what went wrong is in the findings."""
        try:
            with self.progress.phase("environment"):
                embedded_python()
                make_class_archive()
            with self._embedded_aws() as aws:
                self.subject.assemble(self.progress)
                with self.progress.phase("deploy"):
                    deployed = self.subject.deploy(aws, self.folder)
                self.findings.made = deployed.made
                self._rehearse(deployed)
        except FAILURES as error:
            self.findings.failure = self.findings.failure or failure_of(error)

    def _rehearse(self, deployed: Deployed) -> None:
        sampler = Sampler(lambda: self._sample(deployed))
        try:
            with sampler if self.options.report_folder else nullcontext():
                self._migrate_and_compare(deployed, self.subject.options(deployed))
        except FAILURES as error:
            # Now, because the logs end with the embedded AWS.
            self.findings.failure = failure_of(error, deployed.denials())
            self._report(deployed, sampler)
            raise
        self._report(deployed, sampler)

    def _sample(self, deployed: Deployed) -> Sample:
        return Sample.of(deployed.status(), deployed.faults())

    def _report(self, deployed: Deployed, sampler: Sampler) -> None:
        if self.options.report_folder is not None:
            self.findings.faults = deployed.faults()
            page = write_page(self.options.report_folder, deployed, self.findings, sampler.samples)
            self.progress.say(f"report: {page}")

    def _migrate_and_compare(self, deployed: Deployed, options: RehearsalOptions) -> None:
        if options.rolls_back:
            require_window(deployed.migration)
        items = items_of(options)
        with self.progress.phase("seed"):
            seed(deployed.dynamodb, deployed.source, items, options.population, self._show_seeded(options))
        application = self._application(deployed, options) if options.cuts_over else None
        before = source_policy(deployed)
        with self.progress.phase("migrate"):
            migrate(deployed, options, items, self.progress, self.findings, application)
        self.findings.mode = deployed.bulk_load() or self.findings.mode
        if not options.cuts_over:
            with self.progress.phase("last drain"):
                drain_the_last(deployed, self.progress, self.findings)
            self.findings.comparison = self._compared(deployed, options)
        self._end(deployed, options, before)

    def _application(self, deployed: Deployed, options: RehearsalOptions) -> Callable[[Writers], None]:
        # The events are listened to from now on.
        events, compare = PhaseEvents(deployed.aws), partial(self._compared, deployed, options)
        return Application(deployed, options, events, self.progress, self.findings, compare).switch

    def _compared(self, deployed: Deployed, options: RehearsalOptions) -> Comparison:
        with self.progress.phase("compare"):
            names = options.key_shape.attributes()
            return compare_tables(deployed.dynamodb, deployed.source, deployed.destination, names)

    def _end(self, deployed: Deployed, options: RehearsalOptions, policy_before: object) -> None:
        """Complete or abort where that was asked for, and look what is left."""
        if options.to not in (ABORT, COMPLETE, ROLL_BACK):
            return
        with self.progress.phase(ABORT if options.to == ABORT else COMPLETE):
            (abort if options.to == ABORT else complete)(deployed)
            self.findings.left_behind = left_behind(deployed)
        # Of both the source is the table again, as it was before.
        if options.to != COMPLETE and source_policy(deployed) != policy_before:
            self.findings.left_behind.append("another resource policy at the source")

    def _show_seeded(self, options: RehearsalOptions) -> Callable[[int], None]:
        return lambda written: self.progress.show({"items": f"{written} of {options.population}"})

    @contextmanager
    def _embedded_aws(self) -> Iterator[EmbeddedAws]:
        aws = EmbeddedAws(self.folder, faults=self.options.faults, fault_seed=self.options.seed)
        # The stack closes also where nothing can be shown any more, because nobody reads the output.
        with ExitStack() as stack:
            try:
                with self.progress.phase("start"), self.interruptions.held():
                    stack.enter_context(aws)
                yield aws
            finally:
                with self.progress.phase("end"):
                    stack.close()
                self.findings.faults = aws.faults


def failure_of(error: BaseException, from_logs: Iterable[str] = ()) -> Failure:
    """Return an error as findings have it, with the denials that its text and the logs tell of."""
    name = error.error if isinstance(error, ExecutionFailed) else type(error).__name__
    cause = error.cause if isinstance(error, ExecutionFailed) else str(error)
    return Failure(name, cause, tuple(dict.fromkeys([*denials_in(cause), *from_logs])))
