"""One rehearsal from nothing to its verdict."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from ddb_migration_construct.rehearsal.comparison import compare_tables
from ddb_migration_construct.rehearsal.denials import denials_in
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.deployment import DeploymentFailed, deploy
from ddb_migration_construct.rehearsal.embedded import EmbeddedAws, EmbeddedAwsFailed
from ddb_migration_construct.rehearsal.embedded_environment import EnvironmentFailed, embedded_python
from ddb_migration_construct.rehearsal.following import ExecutionFailed, Stalled
from ddb_migration_construct.rehearsal.items import HostileItems
from ddb_migration_construct.rehearsal.last_drain import NotDrained
from ddb_migration_construct.rehearsal.migrating import drain_the_last, migrate
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.plants import PlantNotPossible, plant
from ddb_migration_construct.rehearsal.progress import Progress, view_for
from ddb_migration_construct.rehearsal.report import report_lines
from ddb_migration_construct.rehearsal.seeding import SeedingFailed, seed
from ddb_migration_construct.rehearsal.synthesis import MIGRATION_NAME, STACK_NAME, Synthesis, SynthesisFailed
from ddb_migration_construct.rehearsal.verdict import Failure, Findings
from ddb_migration_construct.rehearsal.writers import WriterFailed
from ddb_migration_construct.toolchain import ToolNotFoundError, jsii_environment

INTERRUPTED = 130
_REMOVALS = 20

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
    """Run a rehearsal, print its report, and return the exit code: 0 only if both tables ended equal.

    130 when it was interrupted; whatever it had started has ended by then. `change` may alter the synthesised
    assembly before it is deployed.
    """
    faults = [options.plant] if options.plant else []
    findings = Findings(mode=options.mode, seed=options.seed, faults=faults)
    try:
        with _work_dir(options) as work_dir, _ended_like_interrupted(), Progress(view_for()) as progress:
            findings.phases = progress.phases
            _run(options, change, work_dir, progress, findings)
    except KeyboardInterrupt:
        print("interrupted; everything that was started has ended")
        return INTERRUPTED
    except _FAILURES as error:
        findings.failure = findings.failure or _failure(error)
    _report(options, findings)
    return findings.exit_code


def _run(
    options: RehearsalOptions,
    change: Callable[[Path], None],
    work_dir: Path,
    progress: Progress,
    findings: Findings,
) -> None:
    environment = {**os.environ, **jsii_environment()}
    with Synthesis(work_dir, {"key": options.key_shape.letters}, environment) as synthesis:
        with progress.phase("environment"):
            embedded_python()
        with _embedded_aws(work_dir, progress) as aws:
            progress.record("synthesise", synthesis.wait())
            change(synthesis.assembly)
            if options.plant is not None:
                plant(synthesis.assembly, options.plant)
            with progress.phase("deploy"):
                outputs = deploy(aws, synthesis.assembly, STACK_NAME)
            _rehearse_deployed(options, Deployed(aws, STACK_NAME, MIGRATION_NAME, outputs), progress, findings)


def _rehearse_deployed(options: RehearsalOptions, deployed: Deployed, progress: Progress, findings: Findings) -> None:
    try:
        _migrate_and_compare(options, deployed, progress, findings)
    except _FAILURES as error:
        # Now, because the logs end with the embedded AWS.
        findings.failure = _failure(error, deployed.denials())
        raise


def _migrate_and_compare(options: RehearsalOptions, deployed: Deployed, progress: Progress, findings: Findings) -> None:
    items = HostileItems(options.seed, options.key_shape)
    with progress.phase("seed"):
        seed(
            deployed.dynamodb,
            deployed.source,
            items,
            options.items,
            lambda written: progress.show({"items": f"{written} of {options.items}"}),
        )
    with progress.phase("migrate"):
        migrate(deployed, options, items, progress, findings)
    with progress.phase("last drain"):
        drain_the_last(deployed, progress, findings)
    with progress.phase("compare"):
        findings.comparison = compare_tables(
            deployed.dynamodb, deployed.source, deployed.destination, options.key_shape.attributes()
        )


@contextmanager
def _embedded_aws(work_dir: Path, progress: Progress) -> Iterator[EmbeddedAws]:
    with ExitStack() as stack:
        with progress.phase("start"):
            aws = stack.enter_context(EmbeddedAws(work_dir))
        stack.callback(progress.say, "the embedded AWS has ended")
        yield aws


@contextmanager
def _work_dir(options: RehearsalOptions) -> Iterator[Path]:
    work_dir = Path(tempfile.mkdtemp(prefix="ddb-migration-rehearsal-"))
    try:
        yield work_dir
    finally:
        if options.keep_work_dir:
            print(f"kept: {work_dir}")
        else:
            _remove(work_dir)


def _remove(work_dir: Path) -> None:
    # More than once, because a process that was killed may finish a write after its end was asked for.
    for _ in range(_REMOVALS):
        shutil.rmtree(work_dir, ignore_errors=True)
        if not work_dir.exists():
            return
        time.sleep(0.1)


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Let a termination signal end the rehearsal as Ctrl-C does, so that nothing is left running."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _failure(error: BaseException, from_logs: Iterable[str] = ()) -> Failure:
    name = error.error if isinstance(error, ExecutionFailed) else type(error).__name__
    cause = error.cause if isinstance(error, ExecutionFailed) else str(error)
    return Failure(name, cause, tuple(dict.fromkeys([*denials_in(cause), *from_logs])))


def _report(options: RehearsalOptions, findings: Findings) -> None:
    print("\n".join(report_lines(findings)))
    if options.json_file is not None:
        options.json_file.write_text(json.dumps(findings.as_json(), indent=2) + "\n", "utf-8")
