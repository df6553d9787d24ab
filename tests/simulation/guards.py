"""The guards of docs/guarantees.md, and how a simulated migration goes without one of them.

A guard is taken out of the composition (by replacing a class or a setting), never by a switch in the product.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from ddb_migration.aws import change_queue, control_table, mappings, removal
from ddb_migration.aws.bulk_gate import Gate
from ddb_migration.aws.checkpoints import Checkpoints
from ddb_migration.aws.continuity import Continuity
from ddb_migration.aws.errors import is_transient
from ddb_migration.aws.jobs import Jobs
from ddb_migration.aws.tables import Source
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core import message
from ddb_migration.core.change import Change
from ddb_migration.core.checks import check
from ddb_migration.core.control_record import ControlRecord
from ddb_migration.core.deadline import Deadline
from ddb_migration.core.direction import FORWARD, REVERSE
from ddb_migration.core.item_text import Requests
from ddb_migration.core.mixing import Batch, Cursor, Mix
from ddb_migration.core.send_batches import Entry
from ddb_migration.core.watermark import mark
from enable_trigger import barrier, drain, start_capture
from enable_trigger import handler as enable_trigger_handler
from setup_check import handler as setup_check_handler
from stream_processor import handler as stream_processor_handler
from tests.simulation.product import Product
from tests.simulation.switch_guards import (
    any_cut_over,
    applies_after,
    captures_after_cut_over,
    lifted_first,
    look_before_batch,
    no_reverse_settle,
    no_tail,
    nobody_passes,
    nothing_let_go,
    out_of_step,
    reverse_applies_early,
    reverse_latest,
    unverified,
    without_reasons,
    without_steps,
)
from write_cdc import apply as write_cdc_apply

# Replaces `owner.name`; built anew for each run, because some need the run's world.
Replacement = tuple[Any, str, Any]
Removal = Callable[["Product"], Iterable[Replacement]]
# The steps of a cut-over that are about its fence.
FENCE = ("place", "be denied")


@dataclass(frozen=True)
class Guard:
    """One guard: what it promises, the oracle that it serves, and how it is taken out."""

    rule: str
    oracle: str
    without: Removal


# Capture first


def _latest(product: Product) -> Iterator[Replacement]:
    yield mappings, "STREAM_SETTINGS", {**mappings.STREAM_SETTINGS, "StartingPosition": "LATEST"}


def _any_epoch_seen(product: Product) -> Iterator[Replacement]:
    yield start_capture, "require_as_seen", lambda call, record: None


def _no_settle(product: Product) -> Iterator[Replacement]:
    def run(parts: Any, call: Any) -> dict[str, Any]:
        parts.control.enter(call.execution, "Settle")
        return {"done": True}

    yield enable_trigger_handler, "STATES", {**enable_trigger_handler.STATES, "Settle": run}


def _eventual_reads(product: Product) -> Iterator[Replacement]:
    body = Requests.scan

    def scan(self: Any, *given: Any) -> bytes:
        return body(self, *given).replace(b'"ConsistentRead":true', b'"ConsistentRead":false')

    yield Requests, "scan", scan


def _any_stream(product: Product) -> Iterator[Replacement]:
    nothing = lambda parts, record: None  # noqa: E731
    for owner in (start_capture, barrier, drain):
        yield owner, "require_same_stream", nothing
    yield setup_check_handler, "check", lambda setup: _but(check(setup), "stream-replaced")


def _but(findings: Iterable[Any], code: str) -> list[Any]:
    return [finding for finding in findings if finding.code != code]


# Never drop


def _dropping(keep: Callable[[Mapping[str, Any], Any], bool]) -> Removal:
    def without(product: Product) -> Iterator[Replacement]:
        process = stream_processor_handler.StreamProcessor.process

        def filtered(self: Any, records: Sequence[Mapping[str, Any]]) -> list[str]:
            kept = [record for record in records if keep(record, product)]
            return process(self, kept) if kept else []

        yield stream_processor_handler.StreamProcessor, "process", filtered

    return without


def _not_expired(record: Mapping[str, Any], product: Product) -> bool:
    return record.get("userIdentity", {}).get("principalId") != "dynamodb.amazonaws.com"


def _no_old_changes(product: Product) -> Iterator[Replacement]:
    """Changes from before the end of the bulk load are taken for part of it."""
    group = write_cdc_apply.Apply.group

    def newer(self: Any, deliveries: Any) -> Any:
        loaded = float(product.world.control.items[("migration", "record")]["bulk_loaded_at"]["N"])
        kept = [one for one in deliveries if one.message is None or one.message.created >= loaded]
        return group(self, kept) if kept else write_cdc_apply.Outcome(write_cdc_apply.DONE)

    yield write_cdc_apply.Apply, "group", newer


def _three_retries(product: Product) -> Iterator[Replacement]:
    yield mappings, "STREAM_SETTINGS", {**mappings.STREAM_SETTINGS, "MaximumRetryAttempts": 3}


# Epoch


def _any_epoch(product: Product) -> Iterator[Replacement]:
    group = write_cdc_apply.Apply.group

    def every(self: Any, deliveries: Any) -> Any:
        ours = [
            dataclasses.replace(one, message=one.message and dataclasses.replace(one.message, epoch=self._epoch))
            for one in deliveries
        ]
        return group(self, ours)

    yield write_cdc_apply.Apply, "group", every


def _old_checkpoints(product: Product) -> Iterator[Replacement]:
    init = Checkpoints.__init__
    yield Checkpoints, "__init__", lambda self, rows, epoch, plan: init(self, rows, "any", plan)


def _old_barrier(product: Product) -> Iterator[Replacement]:
    yield control_table, "_OF_AN_EPOCH", "#export_time, #export_arn"


def _old_deduplication(product: Product) -> Iterator[Replacement]:
    name = "deduplication_id"
    whole = getattr(stream_processor_handler, name)
    yield stream_processor_handler, name, lambda epoch, stream, number: whole("any", stream, number)


# Order


def _no_group(product: Product) -> Iterator[Replacement]:
    """Every message is a group of its own."""
    entry = stream_processor_handler._entry

    def alone(epoch: str, stream: str, change: Change) -> Entry:
        return dataclasses.replace(made := entry(epoch, stream, change), group=f"{made.group[:20]}-{change.number}")

    yield stream_processor_handler, "_entry", alone


def _content_deduplication(product: Product) -> Iterator[Replacement]:
    entry = stream_processor_handler._entry

    def by_content(epoch: str, stream: str, change: Change) -> Entry:
        content = json.dumps([change.kind, change.key, change.image], sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()
        return dataclasses.replace(entry(epoch, stream, change), deduplication_id=digest)

    yield stream_processor_handler, "_entry", by_content


def _crowded_batches(product: Product) -> Iterator[Replacement]:
    """Several messages of a group may be in one batch."""

    def batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
        waiting = list(entries)
        while waiting:
            yield waiting[:3]
            del waiting[:3]

    yield stream_processor_handler, "send_batches", batches


def _no_coalescing(product: Product) -> Iterator[Replacement]:
    yield stream_processor_handler, "newest_per_key", list


def _failures_ignored(product: Product) -> Iterator[Replacement]:
    process = stream_processor_handler.StreamProcessor.process

    def always_done(self: Any, records: Any) -> list[str]:
        process(self, records)
        return []

    yield stream_processor_handler.StreamProcessor, "process", always_done


# Watermark and reread


def _no_watermark(product: Product) -> Iterator[Replacement]:
    """A watermark is written, and asked for nothing."""
    update = Watermarks._update

    def always(self: Any, key: Any, expression: str, values: dict[str, Any], when: str | None = None) -> None:
        left = None if ":number" in (when or "") else when
        used = {name: value for name, value in values.items() if f":{name}" in expression + (left or "")}
        update(self, key, expression, used, left)

    yield Watermarks, "_update", always


def _plain_numbers(product: Product) -> Iterator[Replacement]:
    """Sequence numbers compare as plain text."""
    yield write_cdc_apply, "mark", str
    yield write_cdc_apply, "mark_above", lambda number: f"{number}+"


def _not_above(product: Product) -> Iterator[Replacement]:
    yield write_cdc_apply, "mark_above", mark


def _reread_without_mark(product: Product) -> Iterator[Replacement]:
    watermark = write_cdc_apply._watermark
    yield write_cdc_apply, "_watermark", lambda told: None if told.kind == "reread" else watermark(told)


def _eventual_rereads(product: Product) -> Iterator[Replacement]:
    get = Source.get

    def maybe_old(self: Any, key: Any) -> Any:
        ask = self._client.get_item
        client = SimpleNamespace(get_item=lambda **request: ask(**{**request, "ConsistentRead": False}))
        return get(Source(client, self._arn), key)

    yield Source, "get", maybe_old


# One writer


def _no_deadline(product: Product) -> Iterator[Replacement]:
    yield Deadline, "require", lambda self: None


def _long_time_out(product: Product) -> Iterator[Replacement]:
    product.world.functions["write-cdc"].timeout = 900.0
    yield product, "write_cdc_seconds", 900.0


def _short_visibility(product: Product) -> Iterator[Replacement]:
    yield product.world.queue, "visibility", 30.0


def _repeated_unanswered(product: Product) -> Iterator[Replacement]:
    """A write without an answer is repeated like one that was throttled."""
    yield write_cdc_apply, "is_refused_for_now", is_transient
    yield write_cdc_apply, "is_unanswered", lambda error: False


def _returned_at_once(product: Product) -> Iterator[Replacement]:
    yield change_queue, "SOON_SECONDS", (0, 0)


# Size


def _no_reread_for_size(product: Product) -> Iterator[Replacement]:
    yield message, "MESSAGE_LIMIT_BYTES", 1 << 40


# Barrier


def _no_live_runs(product: Product) -> Iterator[Replacement]:
    yield Jobs, "live_runs", lambda self: []


def _no_hold(product: Product) -> Iterator[Replacement]:
    yield barrier, "HOLD_SECONDS", 0


def _no_permit(product: Product) -> Iterator[Replacement]:
    """Bulk tasks look at the control record once, when they begin."""
    obey = Gate._obey

    def once(self: Any, asked_at: float, record: Any) -> None:
        if self._seen_at == float("-inf"):
            obey(self, asked_at, record)

    yield Gate, "_obey", once
    yield Gate, "hold", lambda self, now: 1.0 if self._seen_at == float("-inf") else 0.0


def _no_apply_barrier(product: Product) -> Iterator[Replacement]:
    yield ControlRecord, "require_apply", lambda self: self.require_open()


def _early_trigger(product: Product) -> Iterator[Replacement]:
    """The queue mapping is made together with the stream mapping."""
    ensure = mappings.Mappings.ensure_stream

    def both(self: Any, function: str, stream_arn: str) -> Any:
        self.ensure_queue(product.world.functions["write-cdc"].arn, product.world.queue.arn, 100)
        return ensure(self, function, stream_arn)

    yield mappings.Mappings, "ensure_stream", both


def _many_runs(product: Product) -> Iterator[Replacement]:
    yield product.world.glue, "most_runs", 100


def _failed_runs(product: Product) -> Iterator[Replacement]:
    yield product.world.machine, "ignores_failed_runs", True


def _incomplete_loads(product: Product) -> Iterator[Replacement]:
    yield barrier, "_require_complete", lambda parts, record: None


def _unprocessed_dropped(product: Product) -> Iterator[Replacement]:
    """What BatchWriteItem left unprocessed counts as written."""
    left = Mix.left

    def dropped(self: Mix, batch: Batch, places: Sequence[int], now: float) -> list[Cursor]:
        """A batch that was throttled as a whole is no answer."""
        is_refused = len(places) == len(batch.texts)
        return left(self, batch, places, now) if is_refused else self.written(batch)

    yield Mix, "left", dropped


def _no_completeness(product: Product) -> Iterator[Replacement]:
    """A unit is done when its first page is."""
    save = Checkpoints.save
    yield Checkpoints, "save", lambda self, unit, saved: save(self, unit, dataclasses.replace(saved, done=True))


def _checkpoint_first(product: Product) -> Iterator[Replacement]:
    """A page's checkpoint is written before its items are."""
    settle = Cursor.settle

    def early(self: Cursor) -> bool:
        settled, newest = settle(self), self.pages[-1].position if self.pages else None
        came = newest is not None and newest != self.position
        self.position = newest if came else self.position
        return settled or came

    yield Cursor, "settle", early


# Nothing silent


def _not_parked(product: Product) -> Iterator[Replacement]:
    yield Watermarks, "park", lambda self, key, epoch, reason, number=None: None


def _not_unparked(product: Product) -> Iterator[Replacement]:
    yield Watermarks, "unpark", lambda self, key: None


# Ending and beginning


def _full_destination(product: Product) -> Iterator[Replacement]:
    yield setup_check_handler, "check", lambda setup: _but(check(setup), "destination-not-empty")


def _no_gap_check(product: Product) -> Iterator[Replacement]:
    yield setup_check_handler, "check", lambda setup: _but(check(setup), "stream-gap")


def _no_looks(product: Product) -> Iterator[Replacement]:
    yield Continuity, "looked", lambda self, *given: None


def _no_near_expiry(product: Product) -> Iterator[Replacement]:
    yield Continuity, "met", lambda self, record, moments: None


def _no_silence(product: Product) -> Iterator[Replacement]:
    """Whatever was taken last tells that the leg has worked until then."""
    move = Continuity._move

    def moved(self: Any, record: ControlRecord, when: str, **values: float) -> None:
        move(
            self, record, f"attribute_not_exists(#{self.leg.name}) OR #{self.leg.name} <= :until", until=values["until"]
        )

    yield Continuity, "_move", moved


def _no_last_invocations(product: Product) -> Iterator[Replacement]:
    yield removal, "LAST_INVOCATIONS_SECONDS", -1e9


def _no_execution_lock(product: Product) -> Iterator[Replacement]:
    """Whoever starts takes the epoch over, and whoever had it goes on."""
    hold, nobody = start_capture._hold, SimpleNamespace(is_running=lambda arn: False)
    anybody = "(#execution = :execution OR attribute_exists(#execution))"
    yield control_table, "_MINE", f"{anybody} AND {control_table._OPEN}"
    yield setup_check_handler, "check", lambda setup: _but(check(setup), "already-running")
    yield start_capture, "_hold", lambda parts, call: hold(dataclasses.replace(parts, executions=nobody), call)


_OF_SWITCHING: Mapping[str, Guard] = {
    "gate-verified": Guard("no switch before a clean verify since the last gap", "divergence", unverified),
    "gate-parked": Guard("no switch while keys are parked", "divergence", without_reasons("_parked")),
    "gate-dead-letters": Guard(
        "no switch while changes are dead letters", "divergence", without_reasons("_dead_letters")
    ),
    "gate-lag": Guard("no switch before the other table is in step", "cost", without_reasons("_lag")),
    "fence": Guard("the source is fenced before its last changes pass", "report", without_steps(FORWARD, *FENCE)),
    "tail": Guard("a switch waits until all that the stream holds was applied", "divergence", no_tail),
    "last-keys": Guard("the last changed keys are equal", "divergence", without_steps(None, "compare")),
    "silent-apply": Guard("behind a fenced cut-over nothing is applied", "divergence", applies_after(FORWARD)),
    "stand-by": Guard("what the migration writes is not carried back", "liveness", nothing_let_go),
    "destination-fence": Guard("so is the destination, of a roll back", "report", without_steps(REVERSE, *FENCE)),
    "reverse-silent": Guard("behind a roll back nothing is applied", "divergence", applies_after(REVERSE)),
    "stop-apply": Guard("apply ends before a switch goes through", "divergence", without_steps(None, "stop")),
    "silent-capture": Guard("behind a fenced cut-over nothing is sent", "divergence", captures_after_cut_over),
    "own-cut-over": Guard("a call that was held up touches its own cut-over only", "report", any_cut_over),
    "reverse-barrier": Guard("nothing is carried back before a cut-over", "divergence", reverse_applies_early),
    "look-after-batch": Guard("what is let go is older than a look at the record", "divergence", look_before_batch),
    "reverse-trim-horizon": Guard("the reverse mapping starts at TRIM_HORIZON", "divergence", reverse_latest),
    "reverse-settle": Guard("no cut-over before reverse capture has settled", "cost", no_reverse_settle),
    "in-step": Guard("no cut-over before reverse capture has read up to now", "cost", out_of_step),
    "fence-exemption": Guard("the source's fence lets ReverseWriteCdc through", "liveness", nobody_passes),
    "lift-last": Guard("the source's fence is lifted last", "report", lifted_first),
}
GUARDS: Mapping[str, Guard] = {
    "trim-horizon": Guard("the stream mapping starts at TRIM_HORIZON", "divergence", _latest),
    "as-seen": Guard("an epoch follows only the one that SetupCheck saw closed", "divergence", _any_epoch_seen),
    "settle": Guard("no bulk read before capture has been Enabled for five minutes", "divergence", _no_settle),
    "consistent-scan": Guard("the Scan reads consistently", "divergence", _eventual_reads),
    "stream-arn": Guard("the stream's ARN is checked again", "silent loss", _any_stream),
    "keep-expired": Guard("deletions by time to live are changes", "divergence", _dropping(_not_expired)),
    "keep-old": Guard("no change is dropped by its time", "divergence", _no_old_changes),
    "retry-for-ever": Guard("a batch of the stream is retried for ever", "divergence", _three_retries),
    "message-epoch": Guard("messages of another epoch are discarded", "divergence", _any_epoch),
    "checkpoint-epoch": Guard("checkpoints belong to one epoch", "divergence", _old_checkpoints),
    "barrier-epoch": Guard("an epoch starts without the barrier of the last", "divergence", _old_barrier),
    "deduplication-epoch": Guard("a deduplication id belongs to one epoch", "divergence", _old_deduplication),
    "group": Guard("a key's messages are one group", "divergence", _no_group),
    "deduplication-number": Guard("a deduplication id stands for one change", "divergence", _content_deduplication),
    "one-per-batch": Guard("a batch holds one message of a group", "divergence", _crowded_batches),
    "coalescing": Guard("only a key's newest change of a batch is sent", "divergence", _no_coalescing),
    "failed-entry": Guard("a refused entry is the batch's checkpoint", "divergence", _failures_ignored),
    "watermark": Guard("a change older than the newest applied is refused", "divergence", _no_watermark),
    "padding": Guard("numbers compare as numbers", "divergence", _plain_numbers),
    "mark-above": Guard("a reread refuses copies of its own change", "cost", _not_above),
    "reread-mark": Guard("a reread that stands for a change raises the watermark", "divergence", _reread_without_mark),
    "consistent-reread": Guard("a reread reads consistently", "divergence", _eventual_rereads),
    "deadline": Guard("an attempt issues no write after 20 s", "second line", _no_deadline),
    "time-out": Guard("WriteCdc ends after 30 s", "divergence", _long_time_out),
    "visibility": Guard("a message stays invisible for 180 s", "divergence", _short_visibility),
    "unanswered": Guard("a group whose write got no answer waits for 180 s", "divergence", _repeated_unanswered),
    "return-later": Guard("a failed group comes back in 5 s at the earliest", "cost", _returned_at_once),
    "size": Guard("what does not fit in a message travels as a reread", "liveness", _no_reread_for_size),
    "live-runs": Guard("apply waits until no Glue run is alive", "divergence", _no_live_runs),
    "hold": Guard("apply waits two minutes more", "divergence", _no_hold),
    "permit": Guard("a bulk task re-reads the control record before it writes", "divergence", _no_permit),
    "apply-barrier": Guard("WriteCdc refuses to write before the barrier", "divergence", _no_apply_barrier),
    "trigger-last": Guard("the queue mapping is made behind the barrier", "divergence", _early_trigger),
    "one-run": Guard("one Glue run at a time", "divergence", _many_runs),
    "job-success": Guard("the barrier follows a run that succeeded", "divergence", _failed_runs),
    "complete-load": Guard("the barrier is not passed before every unit is done", "divergence", _incomplete_loads),
    "unprocessed": Guard("what BatchWriteItem left undone is written again", "divergence", _unprocessed_dropped),
    "checkpoint-position": Guard("a unit is done at its end only", "divergence", _no_completeness),
    "checkpoint-after": Guard("a checkpoint follows the write", "divergence", _checkpoint_first),
    "park": Guard("what the destination rejects is parked", "silent loss", _not_parked),
    "unpark": Guard("a reread settles a parked key", "report", _not_unparked),
    "empty-destination": Guard("a new epoch begins with an empty destination", "divergence", _full_destination),
    "stream-gap": Guard("a gap of 24 h is refused", "silent loss", _no_gap_check),
    "looks": Guard("a leg that stood still for too long makes the epoch incomplete", "silent loss", _no_looks),
    "near-expiry": Guard("so does a change met within an hour of its expiry", "silent loss", _no_near_expiry),
    "silence": Guard("after a long silence only a look can tell that a leg worked", "silent loss", _no_silence),
    "last-invocations": Guard("an abort waits for the last invocations", "second line", _no_last_invocations),
    "execution-lock": Guard("one execution holds an epoch", "divergence", _no_execution_lock),
    **_OF_SWITCHING,
}


def named(names: Iterable[str]) -> tuple[str, ...]:
    """Return the guards named. Raises ValueError for a name that is none."""
    found = tuple(names)
    unknown = sorted(set(found) - set(GUARDS))
    if unknown:
        raise ValueError(f"no guard is called {', '.join(unknown)}; there are: {', '.join(GUARDS)}")
    return found


@contextlib.contextmanager
def removed(product: Product, without: Sequence[str]) -> Iterator[None]:
    """Take guards out for one run."""
    with contextlib.ExitStack() as stack:
        for name in named(without):
            for owner, attribute, value in GUARDS[name].without(product):
                stack.enter_context(patch.object(owner, attribute, value))
        yield
