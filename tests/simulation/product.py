"""The product's own code, bound to a simulated world: functions, jobs, and what CleanUp does."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from clean_up import handler as clean_up_handler
from cut_over import compose
from cut_over import handler as cut_over_handler
from cut_over.parts import Parts as LastParts
from ddb_migration import names
from ddb_migration.aws import (
    announcements,
    bulk_engine,
    bulk_gate,
    bulk_load,
    bulk_task,
    destination_access,
    verify_pass,
)
from ddb_migration.aws.both_sides import BothSides
from ddb_migration.aws.bulk_load import ARGUMENTS, Load
from ddb_migration.aws.bulk_readers import segment_unit
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.changed_keys import ChangedKeys
from ddb_migration.aws.control_table import ControlTable, control_of
from ddb_migration.aws.dead_letters import DeadLetters
from ddb_migration.aws.environment import Environment, Settings
from ddb_migration.aws.export_files import ExportFiles
from ddb_migration.aws.gate_facts import Gate
from ddb_migration.aws.rereads import Rereads
from ddb_migration.aws.rows import Rows
from ddb_migration.aws.tables import Destination
from ddb_migration.aws.tables import Source as SourceItems
from ddb_migration.aws.verify_generations import Generations
from ddb_migration.core import bulk_plan, message, send_batches
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.bulk_plan import CURSORS, runs
from ddb_migration.core.deadline import Deadline
from ddb_migration.core.verify_report import Segment
from enable_trigger import handler as enable_trigger_handler
from enable_trigger import parts as enable_trigger_parts
from enable_trigger.parts import Parts
from reread.redrive import Redrive
from setup_check import handler as setup_check_handler
from stream_processor import handler as stream_processor_handler
from tests.simulation.bulk_port import simulated_run
from tests.simulation.functions import Containers, Invocation
from tests.simulation.glue import JobRun
from tests.simulation.glue_jobs import direct_migration_job, large_migration_job
from tests.simulation.tables import event_form
from tests.simulation.world import REVERSE_ROLE, World
from write_cdc import handler as write_cdc_handler

# Bodies are a hundred times smaller than real ones, and so is what fits; hard inputs have tests of their own.
SMALL_LIMIT, SMALL_COMPRESS = 3000, 800
JOBS = (direct_migration_job, large_migration_job, verify_pass)
HANDLERS = (setup_check_handler, clean_up_handler, enable_trigger_parts, compose, announcements)
# What a bulk load's items are rejected for is judged by the oracles, not by the job.
MOST_REJECTED = "1000000"
# How long a difference must stand at the least: VerifyJob's argument as the construct gives it.
SETTLE_SECONDS = "60"
# Time-outs of the functions: ddb_migration_construct.
STREAM_PROCESSOR_SECONDS, WRITE_CDC_SECONDS, STATE_SECONDS = 60.0, 30.0, 60.0


class Product:
    """The code of one migration; `write_cdc_seconds` is WriteCdc's time-out, `limit` that of a message in bytes."""

    def __init__(self, world: World, threshold_bytes: int, workers: int, write_units: int | None = None) -> None:
        self.world = world
        self.environment = Environment(_environment(world, threshold_bytes, workers, write_units))
        self.control = ControlTable(world.client("dynamodb"), world.control.arn)
        self._epochs = self._ids = 0
        self.write_cdc_seconds = WRITE_CDC_SECONDS
        self.limit, self.compress_above = SMALL_LIMIT, SMALL_COMPRESS
        self.look_seconds = bulk_gate.LOOK_SECONDS
        self.segments = bulk_plan.FEWEST_SEGMENTS
        self._containers = Containers(self.write_cdc)

    def install(self) -> None:
        """Make the functions and the jobs of this product those of the world."""
        world = self.world
        world.add("stream-processor", STREAM_PROCESSOR_SECONDS, stream_processor_handler.handler)
        world.add("write-cdc", self.write_cdc_seconds, _applying(self._containers, world))
        setup = world.add("setup-check", 120.0, setup_check_handler.handler)
        last = world.add("cut-over", STATE_SECONDS, cut_over_handler.handler)
        states = world.add("enable-trigger", STATE_SECONDS, enable_trigger_handler.handler)
        steps = dict.fromkeys(enable_trigger_handler.STATES, states)
        after = dict.fromkeys((*cut_over_handler.STATES, *cut_over_handler.WAITING), last)
        world.machine.functions = {**steps, **after, names.SETUP_CHECK_STATE: setup}
        world.machine.can_roll_back = world.rollback_window is not None
        if world.machine.can_roll_back:
            self._install_way_back()
        world.glue.drivers = {
            names.DIRECT_MIGRATION_JOB_STATE: self._direct,
            names.LARGE_MIGRATION_JOB_STATE: self._large,
            names.VERIFY_JOB_STATE: self._verify,
        }

    def write_cdc(self) -> write_cdc_handler.WriteCdc:
        """Return WriteCdc over the simulated services."""
        return self._writing(self.environment, self.world.writer("dynamodb"))

    def reverse_write_cdc(self) -> write_cdc_handler.WriteCdc:
        """Return ReverseWriteCdc over the simulated services."""
        return self._writing(self.way_back, self.world.reverse_writer)

    def _writing(self, path: Environment, write: Any) -> write_cdc_handler.WriteCdc:
        read, kernel = self.world.client("dynamodb"), self.world.kernel
        return write_cdc_handler.WriteCdc(
            control_of(path, read),
            Rows(write, self.world.control.arn),
            SourceItems(read, path[names.SOURCE_TABLE]),
            Destination(write, path[names.DESTINATION_TABLE]),
            self._queue(path),
            kernel.each,
            kernel.clock,
            kernel.sleep,
            self.environment.settings.change_retention_seconds,
        )

    @property
    def way_back(self) -> Environment:
        """Return the environment of the reverse path."""
        found = self.environment.reverse
        assert found is not None, "the world has no rollback_window"
        return found

    def stream_processor(self, path: Environment) -> stream_processor_handler.StreamProcessor:
        """Return StreamProcessor over the simulated services, for one path."""
        kernel, control = self.world.kernel, control_of(path, self.world.client("dynamodb"))
        return stream_processor_handler.StreamProcessor(
            control, self._queue(path), kernel.each, kernel.clock, kernel.sleep
        )

    def _install_way_back(self) -> None:
        """Add the functions of the reverse path: the same code, told its direction."""
        world, processor = self.world, self.stream_processor(self.way_back)
        world.add("reverse-stream-processor", STREAM_PROCESSOR_SECONDS, lambda event, _: _captured(processor, event))
        containers = Containers(self.reverse_write_cdc)
        world.add("reverse-write-cdc", self.write_cdc_seconds, _applying(containers, world))

    def redrive(self, path: Environment) -> Redrive:
        """Return one pass of Reread over the dead letters of a path."""
        epoch = str(control_of(path, self.world.client("dynamodb")).read().epoch)
        letters = DeadLetters(self.world.client("sqs"), path[names.DEAD_LETTER_QUEUE_URL])
        rereads = Rereads(self._queue(path), epoch, self.world.kernel.sleep, self._new_id)
        return Redrive(letters, rereads, epoch, self.world.kernel.clock)

    def _new_id(self) -> str:
        self._ids += 1
        return f"redriven-as-reread-{self._ids}"

    def _queue(self, path: Environment) -> ChangeQueue:
        return ChangeQueue(self.world.client("sqs"), path[names.CHANGE_QUEUE_URL])

    def parts(self) -> Parts:
        """Return what the states of EnableTrigger work with."""
        return dataclasses.replace(self._timed(Parts.of(self.environment)), new_epoch=self._new_epoch)

    def last_parts(self) -> LastParts:
        """Return what the states from ReadyToCutOver on work with."""
        return self._timed(compose.parts_of(self.environment))

    def _timed(self, parts: Any) -> Any:
        """Return parts, and those of the reverse path in them, on virtual time."""
        reverse = self._timed(parts.reverse) if parts.reverse is not None else None
        kernel = self.world.kernel
        waits = {"sleep": kernel.sleep} if hasattr(parts, "sleep") else {}
        return dataclasses.replace(parts, clock=kernel.clock, reverse=reverse, **waits)

    def _new_epoch(self) -> str:
        self._epochs += 1
        return f"epoch-{self._epochs}"

    def _verify(self, run: JobRun, arguments: dict[str, str]) -> None:
        """Do what VerifyJob does, but for the reading: that has tests of its own."""
        world = self.world
        given = {
            "migration_name": "Simulated",
            "control_table": world.control.arn,
            "source_table": world.source.table.arn,
            "destination_table": world.destination.arn,
            "destination_role": names.NO_ROLE,
            "bucket": "bucket",
            "change_queue": world.queue.url,
            "sample": "100%",
            "settle_seconds": SETTLE_SECONDS,
        }
        this = verify_pass.VerifyPass.of({**given, **arguments})
        if this.objects.report() is None:
            self._read(this)

    def _read(self, this: verify_pass.VerifyPass) -> None:
        plan = this.plan(1)
        unequal = self._unequal()
        rows = [verify_pass.Summary(Segment(n, n, 0, 0, "0", "0"), (0.0, 0.0), 0) for n in plan.chosen]
        settled, units = this.settle(unequal)
        this.end(this.report(plan, rows, 0, settled, units, 0))

    def _unequal(self) -> list[Item]:
        """Return the keys whose items differ between the tables, as reading both of them would show."""
        here, there = self.world.source.table, self.world.destination
        both = {place: (here.items.get(place), there.items.get(place)) for place in {**here.items, **there.items}}
        items = [both[place][0] or both[place][1] or {} for place in sorted(both) if both[place][0] != both[place][1]]
        return [event_form({name: item[name] for name in here.names}) for item in items]

    # The jobs: what `main` of each does, with the tasks that Spark would start

    def _arguments(self, given: Mapping[str, str]) -> dict[str, str]:
        tables = (self.world.control.arn, self.world.source.table.arn, self.world.destination.arn)
        return dict(zip(ARGUMENTS, ("Simulated", *tables, names.NO_ROLE, given["epoch"], MOST_REJECTED), strict=True))

    def _direct(self, run: JobRun, arguments: dict[str, str]) -> None:
        load = Load.of(self._arguments(arguments))
        shares = runs(load.plan.units, load.plan.tasks, CURSORS)
        run.spread(lambda share: direct_migration_job.copy_segments(load, share, len(shares)), shares)
        load.complete(segment_unit(segment) for segment in range(load.plan.units))

    def _large(self, run: JobRun, arguments: dict[str, str]) -> None:
        load = Load.of(self._arguments(arguments))
        export = ExportFiles(self.world.client("s3"), "bucket")
        files = export.listed(str(load.plan.manifest), str(load.export_arn))
        shares = large_migration_job.dealt_files(export, files, load.plan.tasks)
        run.spread(lambda share: large_migration_job.copy_files(load, "bucket", share, len(shares)), shares)
        load.complete(file.unit for file in files)


def _environment(world: World, threshold_bytes: int, workers: int, write_units: int | None) -> dict[str, str]:
    arn = "arn:aws:lambda:eu-west-1:111111111111:function:"
    settings = {
        "size_threshold_bytes": threshold_bytes,
        "enable_source_features": True,
        "accepted_findings": list(names.ADVISED_FINDINGS),
        "worker_type": "G.1X",
        "max_workers": workers,
        "max_write_units_per_second": write_units,
        "max_apply_concurrency": world.most_apply,
        "fence_source_writes": True,
        "change_retention_seconds": world.queue.retention,
        "rollback_window_seconds": world.rollback_window,
    }
    known = {field.name for field in dataclasses.fields(Settings)}
    settings = {name: value for name, value in settings.items() if name in known}
    back = {
        names.REVERSE_STREAM_PROCESSOR: f"{arn}reverse-stream-processor",
        names.REVERSE_WRITE_CDC: f"{arn}reverse-write-cdc",
        names.REVERSE_WRITE_CDC_ROLE: REVERSE_ROLE,
        names.REVERSE_CHANGE_QUEUE_URL: world.reverse_queue.url,
        names.REVERSE_CHANGE_QUEUE_ARN: world.reverse_queue.arn,
        names.REVERSE_DEAD_LETTER_QUEUE_URL: world.reverse_dead_letters.url,
    }
    return {
        **(back if world.rollback_window is not None else {}),
        names.CONTROL_TABLE: world.control.arn,
        names.SOURCE_TABLE: world.source.table.arn,
        names.DESTINATION_TABLE: world.destination.arn,
        names.CHANGE_QUEUE_URL: world.queue.url,
        names.CHANGE_QUEUE_ARN: world.queue.arn,
        names.STREAM_PROCESSOR: f"{arn}stream-processor",
        names.WRITE_CDC: f"{arn}write-cdc",
        names.DEAD_LETTER_QUEUE_URL: world.dead_letters.url,
        names.DIRECT_MIGRATION_JOB: names.DIRECT_MIGRATION_JOB_STATE,
        names.LARGE_MIGRATION_JOB: names.LARGE_MIGRATION_JOB_STATE,
        names.VERIFY_JOB: names.VERIFY_JOB_STATE,
        names.MIGRATION_BUCKET: "bucket",
        names.MIGRATION_NAME: "Stack/Migration",
        names.CANARY_ROLE: "canary",
        names.NOTIFICATION_TOPIC: "",
        names.SETTINGS: json.dumps(settings),
    }


def _replace(stack: contextlib.ExitStack, owner: Any, name: str, value: Any) -> None:
    """Replace an attribute of a module until the stack is left; `patch.object` takes ten times as long."""
    stack.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _applying(
    containers: Containers[write_cdc_handler.WriteCdc], world: World
) -> Callable[[Mapping[str, Any], Invocation], dict[str, Any]]:
    """Return what write_cdc's handler does, on virtual time."""

    def apply(event: Mapping[str, Any], invocation: Invocation) -> dict[str, Any]:
        deadline = Deadline.of(invocation.remaining(), world.kernel.clock)
        failures = containers.serve(lambda made: made.process(event["Records"], deadline))
        return {"batchItemFailures": [{"itemIdentifier": failure} for failure in failures]}

    return apply


def _captured(processor: stream_processor_handler.StreamProcessor, event: Mapping[str, Any]) -> dict[str, Any]:
    """Do what stream_processor's handler does."""
    failures = processor.process(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failures]}


@contextlib.contextmanager
def bound(product: Product) -> Iterator[None]:
    """Bind the product's modules to a simulated world: clients, clock, and the parts of each handler."""
    world = product.world
    product.install()
    world.queue.limit = product.limit
    state = random.getstate()
    random.seed(world.faults.seed)
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(patch.dict(os.environ, product.environment.values))
        for owner, name, value in (*_edges(world), *_sizes(product)):
            _replace(stack, owner, name, value)
        for owner, name, value in _parts(product):
            _replace(stack, owner, name, value)
        try:
            yield
        finally:
            random.setstate(state)


def _edges(world: World) -> Iterator[tuple[Any, str, Any]]:
    """Put the simulated clients and clock in the place of boto3's and the machine's."""
    kernel = world.kernel
    time = SimpleNamespace(time=kernel.clock, monotonic=kernel.clock, sleep=kernel.sleep)
    for module in (bulk_load, bulk_task, destination_access, *JOBS, *HANDLERS):
        for name, value in (("client", world.client), ("writer", world.writer), ("time", time)):
            if hasattr(module, name):
                yield module, name, value
    yield from _cut_over_edges(world)
    yield from _verify_edges(world)
    yield bulk_task, "run", simulated_run(kernel, world.draws("bulk"))
    # Roles and permissions are another matter: the embedded AWS enforces them.
    yield setup_check_handler, "Roles", lambda *given: SimpleNamespace(findings=lambda setup: [])


def _verify_edges(world: World) -> Iterator[tuple[Any, str, Any]]:
    """Give VerifyJob and Repair virtual time."""
    kernel = world.kernel
    for module in (verify_pass, enable_trigger_parts):
        yield module, "BothSides", functools.partial(BothSides, clock=kernel.clock, sleep=kernel.sleep)
    yield verify_pass, "Generations", functools.partial(Generations, clock=kernel.clock, sleep=kernel.sleep)


def _cut_over_edges(world: World) -> Iterator[tuple[Any, str, Any]]:
    """Give the parts of CutOver virtual time, and a canary that reaches some host of the source."""
    kernel = world.kernel
    yield compose, "writer_as", world.canary
    yield compose, "ChangedKeys", functools.partial(ChangedKeys, clock=kernel.clock, sleep=kernel.sleep)
    yield compose, "BothSides", functools.partial(BothSides, clock=kernel.clock, sleep=kernel.sleep)
    yield compose, "Rereads", functools.partial(Rereads, sleep=kernel.sleep)
    yield compose, "Gate", functools.partial(Gate, clock=kernel.clock)
    threads: Any = SimpleNamespace(map=kernel.each)
    composed = functools.partial(compose._Composed, threads=threads)
    yield compose, "_Composed", composed


def _sizes(product: Product) -> Iterator[tuple[Any, str, Any]]:
    yield bulk_gate, "LOOK_SECONDS", product.look_seconds
    yield bulk_plan, "FEWEST_SEGMENTS", product.segments
    yield bulk_engine, "CHECKPOINT_SECONDS", max(bulk_engine.CHECKPOINT_SECONDS, product.look_seconds)
    yield message, "MESSAGE_LIMIT_BYTES", product.limit
    yield message, "COMPRESS_ABOVE_BYTES", product.compress_above
    yield send_batches, "MESSAGE_LIMIT_BYTES", product.limit


def _parts(product: Product) -> Iterator[tuple[Any, str, Any]]:
    """Make what each handler works with, by the handler's own code where it can be made so."""
    processor = product.stream_processor(product.environment)
    yield stream_processor_handler, "_parts", _always((processor, None, product.environment))
    yield enable_trigger_handler, "_parts", _always(product.parts())
    yield cut_over_handler, "_parts", _always(product.last_parts())
    yield setup_check_handler, "_parts", _always(setup_check_handler._parts.__wrapped__())
    yield clean_up_handler, "_ending", _always(clean_up_handler._ending.__wrapped__())


def _always(value: Any) -> Callable[[], Any]:
    return lambda: value
