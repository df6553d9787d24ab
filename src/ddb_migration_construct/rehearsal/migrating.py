"""Running the migration while the source is written to, and letting the last change through."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from ddb_migration_construct._runtime import names
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.following import Execution, ExecutionFailed, Patience, Watch
from ddb_migration_construct.rehearsal.items import Items
from ddb_migration_construct.rehearsal.last_drain import Moment, unsettled, wait_for_last_drain
from ddb_migration_construct.rehearsal.options import RehearsalOptions
from ddb_migration_construct.rehearsal.planted_differences import PlantedDifferences
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.stream_tail import StreamTail
from ddb_migration_construct.rehearsal.verdict import Findings
from ddb_migration_construct.rehearsal.verifying import differences, verify_again
from ddb_migration_construct.rehearsal.watermarks import read_watermarks
from ddb_migration_construct.rehearsal.writers import Writers

_POLL_SECONDS = 1.0
# A function that lacks a permission is retried for ever, as on AWS; after this long its logs are searched.
_LOOK_INTO_LOGS_AFTER_SECONDS = 20.0
_START_SECONDS = 600.0
# A very slow machine moves about this many items and changes a second.
_SLOWEST_PER_SECOND = 10.0
# What the writers keep moving says nothing about the migration.
_NO_MOVEMENT = ("captured", "sent", "rereads")


def migrate(
    deployed: Deployed,
    options: RehearsalOptions,
    items: Items,
    progress: Progress,
    findings: Findings,
    then: Callable[[Writers], None] | None = None,
) -> None:
    """Run the state machine until it waits for the operator, while writers change the source from before its start.

    `then` is done while they still write. Raises ExecutionFailed, Stalled or WriterFailed.
    """
    planted = PlantedDifferences(
        deployed.dynamodb, deployed.source, deployed.destination, items, options.population, options.plant_differences
    )
    planted.prepare()
    with Writers(
        deployed.dynamodb,
        deployed.source,
        items,
        population=options.population,
        writes_per_second=options.writes_per_second,
    ) as writers:
        try:
            _follow(deployed, _start(deployed), Watch(_patience(options)), writers, progress, findings, planted.plant)
            findings.differences = differences(deployed, planted.real)
            if options.plant_differences:
                progress.say("verify again, while the writers go on")
                findings.differences = replace(findings.differences, again=verify_again(deployed))
            if then is not None:
                then(writers)
        finally:
            findings.writes = writers.writes
        findings.writes = writers.stop()


def drain_the_last(deployed: Deployed, progress: Progress, findings: Findings) -> None:
    """Wait until every change of the source is settled, or nothing moves any more; nothing writes meanwhile.

    Raises NotDrained.
    """
    tail = StreamTail(deployed.streams, deployed.stream_arn())

    def observe() -> Moment:
        findings.counts = deployed.counts()
        queued = deployed.queued()
        # Both tables of numbers are long to read and mean nothing while messages wait.
        return Moment(queued, sum(findings.counts.values()), _unsettled(deployed, tail) if queued == 0 else -1)

    def show(moment: Moment) -> None:
        progress.show({"queued": moment.queued, "applied": findings.counts.get("applied", 0)})

    left = wait_for_last_drain(observe, show)
    if left:
        findings.notes.append(f"{left} keys have a newest change that the migration has not accounted for")


def _unsettled(deployed: Deployed, tail: StreamTail) -> int:
    tail.read_on()
    return unsettled(tail.newest, read_watermarks(deployed.dynamodb, deployed.migration.control_table))


def _start(deployed: Deployed) -> Execution:
    answer = deployed.states.start_execution(stateMachineArn=deployed.migration.state_machine_arn, input="{}")
    return Execution(deployed.states, answer["executionArn"])


def _patience(options: RehearsalOptions) -> Patience:
    return Patience(at_most=_START_SECONDS + 2 * options.population / _SLOWEST_PER_SECOND)


def _follow(
    deployed: Deployed,
    execution: Execution,
    watch: Watch,
    writers: Writers,
    progress: Progress,
    findings: Findings,
    before_verify: Callable[[], None],
) -> None:
    running, is_verifying = True, False
    while running:
        running = execution.is_running()
        if execution.state == names.READY_TO_CUT_OVER_STATE and deployed.is_ready():
            running = False
        for state in execution.newly_entered():
            if state == names.VERIFY_STATE and not is_verifying:
                # The job takes seconds to start.
                before_verify()
                is_verifying = True
            progress.say(f"state {state}")
        status = deployed.status()
        findings.counts = dict(status.counts)
        findings.writes = writers.writes
        progress.show_migration(status)
        writers.check()
        still = watch.still_for((execution.state, _movement(findings)))
        if still > _LOOK_INTO_LOGS_AFTER_SECONDS:
            _fail_on_denials(deployed, still)
        time.sleep(_POLL_SECONDS if running else 0)


def _movement(findings: Findings) -> tuple[int, ...]:
    return tuple(count for name, count in findings.counts.items() if name not in _NO_MOVEMENT)


def _fail_on_denials(deployed: Deployed, still: float) -> None:
    if deployed.denials():
        cause = f"nothing has moved for {still:.0f} s, and the functions' logs say that access was denied"
        raise ExecutionFailed("AccessDenied", cause)
