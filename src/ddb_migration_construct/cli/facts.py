"""What a status says in words: label and text, in the order in which an operator reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ddb_migration_construct._runtime import moments, names
from ddb_migration_construct.cli.executions import SUCCEEDED
from ddb_migration_construct.cli.reading import Status
from ddb_migration_construct.cli.samples import Samples
from ddb_migration_construct.cli.words import count, duration

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
    names.READY_TO_CUT_OVER_STATE,
    names.CUT_OVER_STATE,
    names.COMPLETE_STATE,
)
# States that are shown as another one, which they are a part of.
_PARTS = {names.VERIFY_JOB_STATE: names.VERIFY_STATE, names.REPAIR_STATE: names.VERIFY_STATE}


def path(status: Status) -> tuple[str, ...]:
    """Return the states from the first to the last, as far as it is known which there will be."""
    bulk_load = _BULK_LOADS.get(status.record.bulk_load or "", (_UNDECIDED,))
    return (*_BEFORE, *bulk_load, *_AFTER)


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
    yield from _labelled("bulk load", _bulk_load(status, samples))
    yield from _labelled("throttled", status.throttles)
    yield from _labelled("changes", _changes(status, samples))
    yield from _parked(status)
    yield from _labelled("incomplete", status.record.incomplete)
    yield from _gate(status)
    yield from _labelled("cut over", _cut_over(status))
    if status.record.verified_at is not None:
        yield "verified", f"the tables were equal in a full pass that began {moments.utc(status.record.verified_at)}"
    yield from _labelled("attention", status.trouble)
    yield from _error(status)
    if status.is_running and not status.trouble:
        yield from _labelled("waits for", status.waiting_for)
    yield "next", status.next_step


def _gate(status: Status) -> Iterator[Fact]:
    if status.closed is not None:
        first, *others = status.closed or ["open: nothing stands against a cut-over"]
        yield "gate", f"closed: {first}" if status.closed else first
        yield from (("", reason) for reason in others)


def _cut_over(status: Status) -> str | None:
    if status.record.cut_over_at is not None:
        return f"at {moments.utc(status.record.cut_over_at)}"
    if status.record.cut_over_refused:
        return f"turned back: {status.record.cut_over_refused}"
    return None


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
    captured, waiting = f"captured {count(status.counts.get('captured', 0))}", f"{count(status.backlog)} waiting"
    if status.record.trigger_enabled_at is None:
        return f"{captured} · {waiting}"
    applied = f"applied {count(status.counts.get('applied', 0))}"
    speed = _apply_speed(status, samples) if samples else []
    return " · ".join([captured, applied, *speed, waiting, f"lag {duration(status.lag_seconds)}"])


def _apply_speed(status: Status, samples: Samples) -> list[str]:
    rate = samples.per_second("applied")
    left = samples.seconds_left() if status.phase == names.DRAIN_STATE else None
    shown = [] if rate is None else [f"{count(rate)} changes/s"]
    return shown + ([f"about {duration(left)} left"] if left is not None else [])


def _parked(status: Status) -> Iterator[Fact]:
    keys = sum(status.parked.values())
    if keys or status.accepted:
        accepted = f", {count(status.accepted)} accepted as they are" if status.accepted else ""
        yield "parked", (f"{count(keys)} keys" if keys else "none") + accepted
    yield from (("", f"{count(number)} for: {reason}") for reason, number in status.parked.items())
    yield from (("", json.dumps(parked.key)) for parked in status.parked_keys or ())
    if status.dead_letters:
        yield "dead", f"{count(status.dead_letters)} messages in the dead-letter queue"


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
