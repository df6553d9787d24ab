"""What a status says in words: label and text, in the order in which an operator reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ddb_migration_construct._runtime import moments, names
from ddb_migration_construct.cli.control_table import ControlRecord
from ddb_migration_construct.cli.executions import SUCCEEDED
from ddb_migration_construct.cli.reading import ChangePath, Status
from ddb_migration_construct.cli.samples import Samples
from ddb_migration_construct.cli.ways import leaves_nowhere_to_write
from ddb_migration_construct.cli.words import addressed, count, duration

Fact = tuple[str, str]

# The way of a migration, in the words of its states; of the two bulk loads the one that was chosen is shown.
_BEFORE = (names.SETUP_CHECK_STATE, names.START_CAPTURE_STATE, names.SETTLE_STATE)
_BULK_LOADS = {
    names.DIRECT: (names.DIRECT_MIGRATION_JOB_STATE,),
    names.LARGE: (names.EXPORT_STATE, names.LARGE_MIGRATION_JOB_STATE),
}
_UNDECIDED = "BulkLoad"
_AFTER = (
    names.BARRIER_STATE,
    names.ENABLE_TRIGGER_STATE,
    names.DRAIN_STATE,
    names.VERIFY_STATE,
)
_CUT_OVER = (names.READY_TO_CUT_OVER_STATE, names.CUT_OVER_STATE)
# States that are shown as another one, which they are a part of.
_PARTS = {
    names.VERIFY_JOB_STATE: names.VERIFY_STATE,
    names.REPAIR_STATE: names.VERIFY_STATE,
    names.LIFT_FENCE_STATE: names.CUT_OVER_STATE,
    names.LIFT_DESTINATION_FENCE_STATE: names.ROLL_BACK_STATE,
}


def path(status: Status) -> tuple[str, ...]:
    """Return the states from the first to the last, as far as it is known which there will be."""
    bulk_load = _BULK_LOADS.get(status.record.bulk_load or "", (_UNDECIDED,))
    return (*_BEFORE, *bulk_load, *_AFTER, *_end(status), names.COMPLETE_STATE)


def _end(status: Status) -> tuple[str, ...]:
    if status.reverse is None:
        return _CUT_OVER
    rolls_back = (names.ROLL_BACK_STATE,) if status.reverse.record.cut_over_started is not None else ()
    return (names.START_REVERSE_CAPTURE_STATE, *_CUT_OVER, names.ROLLBACK_WINDOW_STATE, *rolls_back)


def place(status: Status) -> int:
    """Return how many states of the path are behind; choosing the bulk load counts as being before it."""
    states = path(status)
    if status.execution is not None and status.execution.status == SUCCEEDED:
        return len(states)
    phase = _PARTS.get(status.phase, status.phase)
    if phase == names.CHOOSE_BULK_LOAD_STATE:
        return len(_BEFORE)
    return states.index(phase) if phase in states else 0


def loaded_share(status: Status) -> float | None:
    """Return how much of the bulk load is done, from 0 to 1, None before it; DynamoDB's item count may be hours old."""
    if status.record.bulk_loaded_at is not None:
        return 1.0
    if status.record.bulk_began_at is None:
        return None
    return min(1.0, status.loaded / status.record.source_items) if status.record.source_items else 0.0


def facts(status: Status, samples: Samples | None = None) -> Iterator[Fact]:
    """Yield everything that is worth saying now; rates need samples."""
    for label, text in _facts(status, samples):
        yield label, addressed(text, status.migration)


def _facts(status: Status, samples: Samples | None) -> Iterator[Fact]:
    yield from _labelled("bulk load", _bulk_load(status, samples))
    yield from _labelled("throttled", status.throttles)
    yield from _labelled("changes", _changes(status, samples))
    yield from _parked(status)
    yield from _labelled("incomplete", status.record.incomplete)
    yield from _gate(status)
    yield from _labelled("cut over", _switched(status.record, "source"))
    yield from _labelled("late", _late(status))
    yield from _way_back(status)
    if status.record.verified_at is not None:
        yield "verified", f"the tables were equal in a full pass that began {moments.utc(status.record.verified_at)}"
    yield from _labelled("attention", status.trouble)
    yield from _error(status)
    if status.is_running and not status.trouble:
        yield from _labelled("waits for", status.waiting_for)
    yield "next", status.next_step


def _gate(status: Status) -> Iterator[Fact]:
    if status.closed is not None:
        first, *others = status.closed or [_open(status)]
        yield "gate", f"closed: {first}" if status.closed else first
        yield from (("", reason) for reason in others)


def _open(status: Status) -> str:
    """Return what there is to say of a gate without a reason; it is asked every few minutes, and is shut since."""
    if status.moving.parked or status.moving.dead_letters:
        return "was open at the last look; what has been parked, or is in the dead-letter queue, closes it"
    act = "roll back" if status.phase == names.ROLLBACK_WINDOW_STATE else "cut-over"
    return f"open: nothing stands against a {act}"


def _switched(record: ControlRecord, left: str) -> str | None:
    if left == "destination" and leaves_nowhere_to_write(record):
        return f"neither table takes writes since {moments.utc(record.cut_over_at)}; the source's fence is to be lifted"
    if record.cut_over_at is not None:
        return f"at {moments.utc(record.cut_over_at)}"
    if record.fenced_at is not None:
        return f"under way; the {left} takes no writes since {moments.utc(record.fenced_at)}"
    return f"turned back: {record.cut_over_refused}" if record.cut_over_refused else None


def _late(status: Status) -> str | None:
    number = status.counts.get("late_changes", 0)
    if not number:
        return None
    copied = "not copied" if status.record.is_fenced_cut_over else "copied, and newer writes to the destination lose"
    return f"{count(number)} changes of the source came after the cut-over, {copied}; whose keys: ddb-migration report"


def _way_back(status: Status) -> Iterator[Fact]:
    """Yield what is worth saying of a roll back, once there is something to roll back."""
    back, until = status.reverse, status.record.rollback_until
    if back is None or until is None:
        return
    if back.record.cut_over_at is None:
        left = until - status.at
        yield "window", f"until {moments.utc(until)}, " + (f"{duration(left)} left" if left > 0 else "it is over")
    yield from _labelled("way back", _moved(back, []))
    yield from _parked(back)
    yield from _labelled("incomplete", back.record.incomplete)
    yield from _labelled("roll back", _switched(back.record, "destination"))


def _labelled(label: str, text: str | None) -> Iterator[Fact]:
    if text:
        yield label, text


def _bulk_load(status: Status, samples: Samples | None) -> str | None:
    share = loaded_share(status)
    if share is None:
        return None
    written = count(status.loaded)
    if status.record.bulk_loaded_at is not None:
        return f"done, {written} items"
    parts = [f"{100 * share:.0f} %", f"{written} of about {count(status.record.source_items)} items"]
    if status.load_rate is not None:
        parts.append(f"{count(status.load_rate)} items/s")
    left = samples.seconds_left() if samples else None
    return " · ".join(parts + ([f"about {duration(left)} left"] if left is not None else []))


def _changes(status: Status, samples: Samples | None) -> str | None:
    if not status.record.epoch:
        return None
    return _moved(status, _apply_speed(status, samples) if samples else [])


def _moved(way: ChangePath, speed: list[str]) -> str:
    captured, waiting = f"captured {count(way.counts.get('captured', 0))}", f"{count(way.backlog)} waiting"
    if way.record.trigger_enabled_at is None:
        return f"{captured} · {waiting}"
    applied = f"applied {count(way.counts.get('applied', 0))}"
    return " · ".join([captured, applied, *speed, waiting, f"lag {duration(way.lag_seconds)}"])


def _apply_speed(status: Status, samples: Samples) -> list[str]:
    rate = samples.per_second("applied")
    left = samples.seconds_left() if status.phase == names.DRAIN_STATE else None
    shown = [] if rate is None else [f"{count(rate)} changes/s"]
    return shown + ([f"about {duration(left)} left"] if left is not None else [])


def _parked(way: ChangePath) -> Iterator[Fact]:
    keys = sum(way.parked.values())
    if keys or way.accepted:
        told = [_keys(keys) if keys else "none", *([f"{_keys(way.accepted)} accepted"] if way.accepted else [])]
        which = "; which: ddb-migration status --parked-keys" if way.parked_keys is None else ""
        yield "parked", ", ".join(told) + which
    yield from (("", f"{count(number)} for: {reason}") for reason, number in way.parked.items())
    yield from (("", json.dumps(parked.key)) for parked in way.parked_keys or ())
    for taken in way.accepted_keys or ():
        at, by = moments.utc(taken.accepted_at), taken.accepted_by.rsplit(":", 1)[-1]
        yield "", f"{json.dumps(taken.key)} accepted by {by} at {at}: {taken.accepted_reason}"
    if way.dead_letters:
        yield "dead", f"{count(way.dead_letters)} messages in the dead-letter queue"


def _keys(number: int) -> str:
    return "1 key" if number == 1 else f"{count(number)} keys"


def _error(status: Status) -> Iterator[Fact]:
    if status.needs_you and status.execution is not None:
        yield "error", status.execution.error or status.execution.status
        yield from (("", line) for line in _cause(status.execution.cause or "").splitlines())


def _cause(cause: str) -> str:
    """Return the message inside a cause that Step Functions gives as JSON: of a function, or of a job run."""
    try:
        fields = json.loads(cause)
        return str(fields.get("errorMessage") or fields.get("ErrorMessage") or cause)
    except (ValueError, AttributeError):
        return cause
