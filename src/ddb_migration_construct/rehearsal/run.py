"""One rehearsal from nothing to its verdict."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration_construct.rehearsal.comparison import compare_tables
from ddb_migration_construct.rehearsal.denials import denials_in
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.deployment import DeploymentFailed, deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws, EmbeddedAwsFailed
from ddb_migration_construct.rehearsal.embedded_environment import EnvironmentFailed, embedded_python
from ddb_migration_construct.rehearsal.following import ExecutionFailed, Stalled
from ddb_migration_construct.rehearsal.interruptions import Interruptions
from ddb_migration_construct.rehearsal.last_drain import NotDrained
from ddb_migration_construct.rehearsal.migrating import drain_the_last, migrate
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.plants import PlantNotPossible, plant
from ddb_migration_construct.rehearsal.progress import Progress, view_for
from ddb_migration_construct.rehearsal.report import report_lines
from ddb_migration_construct.rehearsal.seeding import SeedingFailed, seed
from ddb_migration_construct.rehearsal.synthesis import MIGRATION_NAME, STACK_NAME, Synthesis, SynthesisFailed
from ddb_migration_construct.rehearsal.table_items import items_of
from ddb_migration_construct.rehearsal.verdict import Failure, Findings, as_json
from ddb_migration_construct.rehearsal.work_dir import work_dir
from ddb_migration_construct.rehearsal.writers import WriterFailed
from ddb_migration_construct.toolchain import ToolNotFoundError, jsii_environment

INTERRUPTED = 130

# What may go wrong without an error in the rehearsal itself: reported in the verdict instead of a traceback.
_FAILURES = (
    BotoCoreError,
    ClientError,
    DeploymentFailed,
    EmbeddedAwsFailed,
    EnvironmentFailed,
    ExecutionFailed,
    NotDrained,
    PlantNotPossible,
    SeedingFailed,
    Stalled,
    SynthesisFailed,
    ToolNotFoundError,
    WriterFailed,
)


def rehearse(options: RehearsalOptions, change: Callable[[Path], None] = lambda _: None) -> int:
    """Run a rehearsal of each mode, print their report, and return the exit code: 0 only if all tables ended equal.

    130 when it was interrupted; whatever it had started has ended by then. `change` may alter the synthesised
    assembly before it is deployed.
    """
    try:
        with Interruptions() as interruptions:
            rehearsals = [_rehearsed(options, mode, interruptions, change) for mode in options.modes]
    except KeyboardInterrupt:
        print("interrupted; everything that was started has ended")
        return INTERRUPTED
    print("\n".join(report_lines(rehearsals)))
    if options.json_file is not None:
        options.json_file.write_text(json.dumps(as_json(rehearsals), indent=2) + "\n", "utf-8")
    return max(findings.exit_code for findings in rehearsals)


def _rehearsed(
    options: RehearsalOptions, mode: str, interruptions: Interruptions, change: Callable[[Path], None]
) -> Findings:
    """Run one rehearsal; what went wrong is in its findings."""
    findings = Findings(mode, options.seed, planted=options.plant)
    try:
        with work_dir(keep=options.keep_work_dir) as folder, Progress(view_for()) as progress:
            findings.phases = progress.phases
            progress.say(f"bulk load {mode}")
            _Rehearsal(options, folder, progress, findings, interruptions).run(change)
    except _FAILURES as error:
        findings.failure = findings.failure or _failure(error)
    return findings


@dataclass(frozen=True)
class _Rehearsal:
    """One rehearsal under way."""

    options: RehearsalOptions
    folder: Path
    progress: Progress
    findings: Findings
    interruptions: Interruptions

    def run(self, change: Callable[[Path], None]) -> None:
        """Bring an AWS and the app's assembly into being, side by side; then deploy and rehearse."""
        with self._synthesis() as synthesis:
            with self.progress.phase("environment"):
                embedded_python()
            with self._embedded_aws() as aws:
                self.progress.record("synthesise", synthesis.wait())
                change(synthesis.assembly)
                if self.options.plant is not None:
                    plant(synthesis.assembly, self.options.plant)
                with self.progress.phase("deploy"):
                    outputs = deploy(aws, synthesis.assembly, STACK_NAME)
                self._rehearse(Deployed(aws, STACK_NAME, MIGRATION_NAME, outputs))

    def _rehearse(self, deployed: Deployed) -> None:
        try:
            self._migrate_and_compare(deployed)
        except _FAILURES as error:
            # Now, because the logs end with the embedded AWS.
            self.findings.failure = _failure(error, deployed.denials())
            raise

    def _migrate_and_compare(self, deployed: Deployed) -> None:
        items = items_of(self.options)
        with self.progress.phase("seed"):
            seed(deployed.dynamodb, deployed.source, items, self.options.population, self._show_seeded)
        with self.progress.phase("migrate"):
            migrate(deployed, self.options, items, self.progress, self.findings)
        with self.progress.phase("last drain"):
            drain_the_last(deployed, self.progress, self.findings)
        with self.progress.phase("compare"):
            self.findings.comparison = compare_tables(
                deployed.dynamodb,
                deployed.source,
                deployed.destination,
                self.options.key_shape.attributes(),
            )

    def _show_seeded(self, written: int) -> None:
        self.progress.show({"items": f"{written} of {self.options.population}"})

    @contextmanager
    def _synthesis(self) -> Iterator[Synthesis]:
        context = {"key": self.options.key_shape.text, "mode": self.findings.mode}
        synthesis = Synthesis(self.folder, context, {**os.environ, **jsii_environment()})
        with ExitStack() as stack:
            with self.interruptions.held():
                stack.enter_context(synthesis)
            yield synthesis

    @contextmanager
    def _embedded_aws(self) -> Iterator[EmbeddedAws]:
        stack = ExitStack()
        aws = EmbeddedAws(self.folder, faults=self.options.faults, fault_seed=self.options.seed)
        try:
            with self.progress.phase("start"), self.interruptions.held():
                stack.enter_context(aws)
            yield aws
        finally:
            with self.progress.phase("end"):
                stack.close()
            self.findings.faults = aws.faults


def _failure(error: BaseException, from_logs: Iterable[str] = ()) -> Failure:
    name = error.error if isinstance(error, ExecutionFailed) else type(error).__name__
    cause = error.cause if isinstance(error, ExecutionFailed) else str(error)
    return Failure(name, cause, tuple(dict.fromkeys([*denials_in(cause), *from_logs])))
