"""How a simulated migration goes without one of the guards of its cut-over, of its window or of its roll back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cut_over import cut_over, prepare, roll_back
from cut_over import handler as cut_over_handler
from ddb_migration import names
from ddb_migration.aws import control_table, mappings
from ddb_migration.aws.control_table import ControlTable, ReverseControl
from ddb_migration.aws.stream_tail import StreamTail, TailPass
from ddb_migration.core import gate
from ddb_migration.core.control_record import OPEN, ControlRecord
from ddb_migration.core.direction import REVERSE, Direction
from ddb_migration.core.fence import fence_statement
from ddb_migration.core.state_call import done
from enable_trigger import handler as enable_trigger_handler
from enable_trigger import start_reverse_capture
from stream_processor.handler import StreamProcessor

if TYPE_CHECKING:
    from tests.simulation.product import Product

# Replaces `owner.name`.
Replacement = tuple[Any, str, Any]
Removal = Callable[["Product"], Iterable[Replacement]]

# So old may be what a remembering StreamProcessor knows of the control record; a minute has passed behind the fence.
REMEMBERED_SECONDS = 600.0


# The steps of a cut-over, and of a roll back


def without_steps(way: Direction | None, *steps: str) -> Removal:
    """Pass steps over along one path, or along both."""

    def without(product: Product) -> Iterator[Replacement]:
        for name in steps:
            yield cut_over, "STEPS", {**cut_over.STEPS, name: _only_for(way, cut_over.STEPS[name])}

    return without


def _only_for(way: Direction | None, step: cut_over.Step) -> cut_over.Step:
    return lambda parts, call, record: None if way in (None, parts.way) else step(parts, call, record)


def no_tail(product: Product) -> Iterator[Replacement]:
    """What capture was given is all that is known of the stream."""
    nothing = TailPass(0, 0, None, at_end=True, in_time=True, seconds=0.0, keys=())
    yield StreamTail, "read_on", lambda self, seconds: nothing


def any_cut_over(product: Product) -> Iterator[Replacement]:
    """A call that was held up goes on with whatever cut-over is under way by then."""

    def switch(self: Any, execution: str, started: Any, expression: str, values: Any, when: str) -> ControlRecord:
        values = {**values, "execution": execution, "open": OPEN}
        return self._write(expression, values, f"{control_table._MINE} AND {when}")

    yield ControlTable, "_switch", switch
    yield control_table, "_require_same", lambda started, record: record
    yield cut_over, "_same", lambda record, now: now


# The gate


def without_reasons(*names: str) -> Removal:
    """Let the gate look over what these functions of it would say."""

    def without(product: Product) -> Iterator[Replacement]:
        for name in names:
            yield gate, name, lambda facts: None

    return without


def unverified(product: Product) -> Iterator[Replacement]:
    """Switch whatever verify has found, and whatever may be missing since."""
    yield gate, "_OF_CUT_OVER", (gate._stream,)
    yield gate, "_OF_ROLL_BACK", (gate._stream_back,)


# What may be applied


def applies_after(way: Direction) -> Removal:
    """Go on applying after the path's cut-over."""

    def without(product: Product) -> Iterator[Replacement]:
        require = ControlRecord.require_apply

        def late(self: ControlRecord) -> None:
            self.require_open() if self.direction is way and self.is_cut_over else require(self)

        yield ControlRecord, "require_apply", late

    return without


def reverse_applies_early(product: Product) -> Iterator[Replacement]:
    """ReverseWriteCdc writes before the migration has cut over."""
    require = ControlRecord.require_apply

    def early(self: ControlRecord) -> None:
        self.require_open() if self.direction is REVERSE and self.barrier_at is None else require(self)

    yield ControlRecord, "require_apply", early


def captures_after_cut_over(product: Product) -> Iterator[Replacement]:
    """StreamProcessor sends on what the source is given after a fenced cut-over."""
    yield ControlRecord, "applies_late", property(lambda self: self.is_cut_over and self.completing is None)


# Capture of the way back


def nothing_let_go(product: Product) -> Iterator[Replacement]:
    """ReverseStreamProcessor sends on what the migration writes."""
    yield ControlRecord, "stands_by", property(lambda self: False)


class _Remembering:
    """The control table of a StreamProcessor that does not read the record for each batch."""

    def __init__(self, control: ControlTable, clock: Callable[[], float]) -> None:
        self._control = control
        self._clock = clock
        self._read: tuple[float, ControlRecord] | None = None

    def read(self) -> ControlRecord:
        if self._read is None or self._clock() > self._read[0] + REMEMBERED_SECONDS:
            self._read = self._clock(), self._control.read()
        return self._read[1]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._control, name)


def look_before_batch(product: Product) -> Iterator[Replacement]:
    """ReverseStreamProcessor lets go by a record that it read before the batch."""
    process, clock = StreamProcessor.process, product.world.kernel.clock

    def remembering(self: Any, records: Sequence[Any]) -> list[str]:
        if isinstance(self._control, ReverseControl):
            self._control = _Remembering(self._control, clock)
        return process(self, records)

    yield StreamProcessor, "process", remembering


def reverse_latest(product: Product) -> Iterator[Replacement]:
    """The mapping on the destination's stream starts at LATEST."""
    ensure, latest = mappings.Mappings.ensure_stream, {**mappings.STREAM_SETTINGS, "StartingPosition": "LATEST"}

    def ensured(self: Any, function: str, stream_arn: str) -> dict[str, Any]:
        if not function.endswith(":reverse-stream-processor"):
            return ensure(self, function, stream_arn)
        found = self.of(function, stream_arn)
        return found[0] if found else self._create(function, stream_arn, latest)

    yield mappings.Mappings, "ensure_stream", ensured


def no_reverse_settle(product: Product) -> Iterator[Replacement]:
    """The migration may cut over as soon as the reverse path's mappings are asked for."""

    def run(parts: Any, call: Any) -> dict[str, Any]:
        parts.control.enter(call.execution, names.START_REVERSE_CAPTURE_STATE)
        if parts.reverse is not None:
            start_reverse_capture._started(parts.reverse, call.execution)
            parts.reverse.control.set(call.execution, settled_at=parts.clock())
        return done(reverse=parts.reverse is not None)

    yield enable_trigger_handler, "STATES", {**enable_trigger_handler.STATES, names.START_REVERSE_CAPTURE_STATE: run}


def out_of_step(product: Product) -> Iterator[Replacement]:
    """A cut-over begins wherever capture of the destination is."""
    yield prepare, "_is_in_step", lambda reverse: True


# The source's fence


def nobody_passes(product: Product) -> Iterator[Replacement]:
    """The source's fence denies writes to ReverseWriteCdc too."""
    parts = cut_over_handler._parts()
    strict = dataclasses.replace(parts, fence=fence_statement(str(parts.fence["Sid"]), parts.source_arn))
    yield cut_over_handler, "_parts", lambda: strict


def lifted_first(product: Product) -> Iterator[Replacement]:
    """A roll back begins by lifting the source's fence."""
    run = roll_back.run

    def lifting(parts: Any, call: Any) -> dict[str, Any]:
        parts.policy.remove_fence(parts.fence["Sid"])
        return run(parts, call)

    yield cut_over_handler, "STATES", {**cut_over_handler.STATES, names.ROLL_BACK_STATE: lifting}
