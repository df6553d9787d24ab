"""Reread: what an operator may ask for: keys read again or accepted, dead letters redriven, pause, resume, rates."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ddb_migration import names
from ddb_migration.aws.change_queue import ChangeQueue
from ddb_migration.aws.clients import client
from ddb_migration.aws.control_table import ControlTable, control_of
from ddb_migration.aws.dead_letters import DeadLetters
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.mappings import Mappings
from ddb_migration.aws.rereads import Reread, Rereads
from ddb_migration.aws.tables import Tables
from ddb_migration.aws.watermarks import Watermarks
from ddb_migration.core.attribute_values import Item
from ddb_migration.core.control_record import ControlRecord, MigrationStopped
from ddb_migration.core.given_key import NotAKey, require_key
from reread.pausing import Pausing
from reread.redrive import Redrive

# One pass ends well before the function's 60 s, and before the caller's client gives up waiting for it.
PASS_SECONDS = 20

RATES = ("max_read_units_per_second", "max_write_units_per_second")

Answer = dict[str, Any]


class NotARate(Exception):
    """What was given is no rate."""


@dataclass(frozen=True)
class Parts:
    """The resources of one path; `reverse` is the path back, where there is one; `clock` gives epoch seconds."""

    source_arn: str
    control: ControlTable
    tables: Tables
    queue: ChangeQueue
    letters: DeadLetters
    pausing: Pausing
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    reverse: Parts | None = None

    @property
    def applying(self) -> Parts:
        """Return the path whose changes are applied now: after a fenced cut-over the reverse path."""
        return self if self.reverse is None or self.reverse.control.read().stands_by else self.reverse

    def record(self) -> ControlRecord:
        """Return the record; raises MigrationStopped unless an epoch is open."""
        record = self.control.read()
        record.require_open()
        return record

    def rereads(self, record: ControlRecord) -> Rereads:
        """Return what sends rereads of the open epoch; raises MigrationStopped after the cut-over."""
        if record.is_cut_over:
            way = record.direction
            raise MigrationStopped(
                f"the migration {way.has_acted}: the {way.source} is no longer the table, and to read it again would "
                "undo what the application wrote since"
            )
        return Rereads(self.queue, str(record.epoch), self.sleep)

    def keys(self, given: Iterable[Any]) -> list[Item]:
        """Return keys that were given; raises NotAKey when one is none of the source's."""
        source = self.tables.describe(self.source_arn)
        if source is None:
            raise MigrationStopped(f"the source table {self.source_arn} is gone")
        return [require_key(key, source.keys) for key in given]


def reread(parts: Parts, event: Mapping[str, Any]) -> Answer:
    """Read `keys` again: all of them or, when one is no key of the source, none."""
    parts = parts.applying
    record = parts.record()
    keys = parts.keys(event["keys"])
    arrived = parts.rereads(record).send([Reread(key) for key in keys])
    return {"sent": sum(arrived), "not_sent": len(keys) - sum(arrived)}


def redrive(parts: Parts, event: Mapping[str, Any]) -> Answer:
    """Make rereads of the dead letters that can be received in one pass."""
    parts = parts.applying
    record = parts.record()
    one_pass = Redrive(parts.letters, parts.rereads(record), str(record.epoch), parts.clock)
    return one_pass.run(until=parts.clock() + PASS_SECONDS)


def accept(parts: Parts, event: Mapping[str, Any]) -> Answer:
    """Settle the parked `key` as it is, for a `reason`, on record as done `by` somebody."""
    parts = parts.applying
    record = parts.record()
    watermarks = Watermarks(parts.control.rows, str(record.stream_arn), parts.clock)
    (key,) = parts.keys([event["key"]])
    return {"accepted": watermarks.accept(key, str(record.epoch), event["reason"], event["by"])}


def pause(parts: Parts, event: Mapping[str, Any]) -> Answer:
    """Stop bulk load and apply, on record as done `by` somebody; `goes_on` asks how far an earlier call has come."""
    return parts.pausing.pause(event["by"], event.get("goes_on", False))


def resume(parts: Parts, event: Mapping[str, Any]) -> Answer:
    """Let bulk load and apply go on; `goes_on` asks how far an earlier call has come."""
    return parts.pausing.resume(event.get("goes_on", False))


def rate(parts: Parts, event: Mapping[str, Any]) -> Answer:
    """Set the bulk load's `rates`, in units a second by the names of the record, null for no limit; tell all."""
    record = parts.record()
    rates = {name: event["rates"][name] for name in RATES if name in event["rates"]}
    if any(rate is not None and rate <= 0 for rate in rates.values()):
        raise NotARate("a rate is a number above 0; to stop, pause the migration")
    if rates:
        record = parts.control.set_rates(rates)
    return {name: getattr(record, name) for name in ("bulk_loaded_at", *RATES)}


ACTIONS: Mapping[str, Callable[[Parts, Mapping[str, Any]], Answer]] = {
    "reread": reread,
    "redrive": redrive,
    "accept": accept,
    "pause": pause,
    "resume": resume,
    "rate": rate,
}


def handler(event: Mapping[str, Any], context: object) -> Answer:
    """Do one action; `refused` says why nothing was done, None when it was."""
    try:
        return {"refused": None, **ACTIONS[event["action"]](_parts(), event)}
    except (MigrationStopped, NotAKey, NotARate) as refusal:
        return {"refused": str(refusal)}


@functools.cache
def _parts() -> Parts:
    return _parts_of(Environment.of_process())


def _parts_of(environment: Environment) -> Parts:
    dynamodb, sqs = client("dynamodb"), client("sqs")
    control, back = control_of(environment, dynamodb), environment.reverse
    apply = environment[names.WRITE_CDC], environment[names.CHANGE_QUEUE_ARN]
    return Parts(
        source_arn=environment[names.SOURCE_TABLE],
        control=control,
        pausing=Pausing(control, Mappings(client("lambda")), *apply, time.time),
        tables=Tables(dynamodb),
        queue=ChangeQueue(sqs, environment[names.CHANGE_QUEUE_URL]),
        letters=DeadLetters(sqs, environment[names.DEAD_LETTER_QUEUE_URL]),
        reverse=_parts_of(back) if back is not None else None,
    )
