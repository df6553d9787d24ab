"""Rehearsals from nothing to their verdict: of the rehearsal's own app, or of each migration of a team's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ddb_migration_construct.cli.view import view_for
from ddb_migration_construct.rehearsal.interruptions import Interruptions
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.own_app import OwnAssembly, OwnMigration
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.rehearsing import FAILURES, Rehearsing, Subject, failure_of
from ddb_migration_construct.rehearsal.report import report_lines
from ddb_migration_construct.rehearsal.synthesis import Synthesis
from ddb_migration_construct.rehearsal.team_app import TeamApp, TeamMigration, app_synthesis
from ddb_migration_construct.rehearsal.verdict import Findings, as_json
from ddb_migration_construct.rehearsal.work_dir import work_dir
from ddb_migration_construct.toolchain import jsii_environment

INTERRUPTED = 130


def rehearse(options: RehearsalOptions, change: Callable[[Path], None] = lambda _: None) -> int:
    """Rehearse each migration and mode, print the report, and return the exit code: 0 only if all ended equal.

    130 when it was interrupted; whatever it had started has ended by then. `change` may alter the synthesised
    assembly of the rehearsal's own app before it is deployed.
    """
    try:
        with Interruptions() as interruptions, work_dir(keep=options.keep_work_dir) as folder:
            run = _Run(options, folder, interruptions)
            run.of_own_app(change) if options.app is None else run.of_team_app(options.app)
    except KeyboardInterrupt:
        print("interrupted; everything that was started has ended")
        return INTERRUPTED
    print("\n".join(report_lines(run.rehearsals, run.left_out)))
    if options.json_file is not None:
        options.json_file.write_text(json.dumps(as_json(run.rehearsals, run.left_out), indent=2) + "\n", "utf-8")
    return max(findings.exit_code for findings in run.rehearsals)


@dataclass
class _Run:
    """The rehearsals of one command, one after the other."""

    options: RehearsalOptions
    folder: Path
    interruptions: Interruptions
    rehearsals: list[Findings] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def of_own_app(self, change: Callable[[Path], None]) -> None:
        """Rehearse the own app in each mode; the first embedded AWS starts while the app is synthesised."""
        # Among planted differences are items that only the destination has.
        repairs = {"repair_extra": "yes"} if self.options.plant_differences else {}
        fences = {"fence": "yes"} if self.options.cuts_over else {}
        rolls_back = {"rollback": "yes"} if self.options.rolls_back else {}
        context = {"key": self.options.key_shape.text, **repairs, **fences, **rolls_back}
        synthesis = Synthesis(self.folder, context, {**os.environ, **jsii_environment()})
        with self._started(synthesis):
            assembly = OwnAssembly(synthesis, self.options.plant, change)
            for mode in self.options.modes:
                self._rehearse(OwnMigration(assembly, mode, self.options))

    def of_team_app(self, command: str) -> None:
        """Rehearse each migration of a team's app in each mode."""
        findings = Findings(self.options.mode, self.options.seed)
        try:
            app = self._team_app(command, findings)
        except FAILURES as error:
            findings.failure = failure_of(error)
            self.rehearsals.append(findings)
            return
        for migration in app.migrations:
            for mode in self.options.modes:
                self._rehearse(TeamMigration(app.assembly, migration, mode, self.options))

    def _team_app(self, command: str, findings: Findings) -> TeamApp:
        with Progress(view_for()) as progress:
            findings.phases = progress.phases
            progress.say(f"app {command}")
            with self._started(app_synthesis(command, self.folder)) as synthesis:
                progress.record("synthesise", synthesis.wait())
            app = TeamApp(synthesis.assembly, self.options.migration)
            self.left_out = app.left_out
            return app

    def _rehearse(self, subject: Subject) -> None:
        findings = Findings(
            subject.mode, self.options.seed, migration=subject.name, planted=self.options.plant, to=self.options.to
        )
        self.rehearsals.append(findings)
        folder = self.folder / str(len(self.rehearsals))
        with Progress(view_for()) as progress:
            findings.phases = progress.phases
            progress.say(f"bulk load {subject.mode}" + (f", migration {subject.name}" if subject.name else ""))
            Rehearsing(subject, folder, self.options, progress, findings, self.interruptions).run()

    @contextmanager
    def _started(self, synthesis: Synthesis) -> Iterator[Synthesis]:
        with ExitStack() as stack:
            with self.interruptions.held():
                stack.enter_context(synthesis)
            yield synthesis
