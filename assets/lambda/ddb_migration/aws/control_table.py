"""The control record in the control table: every write to it is conditional."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ddb_migration import names
from ddb_migration.aws.environment import Environment
from ddb_migration.aws.rows import ConditionFailed, Rows
from ddb_migration.core.control_record import ABORTING, CLOSED, OPEN, ControlRecord, MigrationStopped
from ddb_migration.core.cut_over_order import CutOverOrder
from ddb_migration.core.reverse_record import OWN, PREFIX, epoch_of, of_reverse, reverse_record
from ddb_migration.core.verify_report import UNEQUAL, VerifyReport
from ddb_migration.names import PARKED_EPOCH, PARKED_INDEX

_PK, _SK = "migration", "record"
_SWITCHED_ON = "switched-on"
_OPEN = "#status = :open AND attribute_not_exists(#tombstone)"
_MINE = f"#execution = :execution AND {_OPEN}"
# What an epoch starts without: everything that an earlier one wrote.
_OF_AN_EPOCH = (
    "#bulk_load, #plan, #export_time, #export_arn, #settled_at, #bulk_loaded_at, #apply_started, #barrier_at, "
    "#trigger_enabled_at, #changed_shards, #drained_at, #mappings_removed_at, #max_read_units_per_second, "
    "#max_write_units_per_second, #paused, #paused_since, #paused_by, #apply_failing_since, #apply_failure, "
    "#bulk_began_at, #source_items, #source_bytes, #incomplete, #incomplete_at, #task_token, #ready_at, "
    "#cut_over_form, #cut_over_group, #cut_over_timeout, #cut_over_started, #cut_over_step, #cut_over_go, "
    "#cut_over_refused, #cut_over_refused_at, #prepared_at, #fenced_at, #apply_stopped_at, #cut_over_at, #completing, "
    "#completed_at, #accepted_sample, #accepted_by, #verify_pass, #verified_at, #verify_repairs, #rollback_until, "
    + ", ".join(f"#{PREFIX}{name}" for name in sorted(OWN))
)
# What a cut-over that is given up leaves behind: nothing but the reason.
_OF_A_CUT_OVER = (
    "#cut_over_form, #cut_over_group, #cut_over_timeout, #cut_over_started, #cut_over_step, #cut_over_go, "
    "#prepared_at, #fenced_at, #apply_stopped_at, #accepted_sample, #accepted_by"
)


# Steps of a cut-over in a group, what its members may go on to, and the way back.
PREPARED, CHECKED, BACK = "prepared", "checked", "back"
FENCE, FLIP = "fence", "flip"
_NOT_DECIDED = "(attribute_not_exists(#cut_over_go) OR #cut_over_go <> :flip)"
_GOES_ON = "(attribute_not_exists(#cut_over_step) OR #cut_over_step <> :back)"


CUT_OVER_BEGAN = (
    "the migration is cutting over, or has done so; where its execution has ended, start the migration again: it "
    "goes on, or turns back"
)
STARTED_AGAIN = (
    "what was to be ended has ended, and the migration was started again meanwhile; ddb-migration abort gives that up "
    "too"
)
GIVEN_UP = "the cut-over that this call is of has been given up meanwhile"


class ControlTable:
    """The control record of one migration."""

    def __init__(self, client: Any, table: str) -> None:
        self.rows = Rows(client, table)

    def read(self) -> ControlRecord:
        """Return the record as it stands now, by a consistent read."""
        return self._record(self.rows.get(_PK, _SK))

    def open_epoch(
        self, epoch: str, execution: str, stream_arn: str, now: float, after: str | None = None
    ) -> ControlRecord:
        """Open an epoch where none is open, and the last one was `after` (None for the first).

        Raises MigrationStopped when another execution was first, or the migration is being removed.
        """
        fresh = (
            "SET #epoch = :epoch, #status = :open, #execution = :execution, #stream_arn = :stream_arn, "
            f"#captured_from = :now REMOVE {_OF_AN_EPOCH}"
        )
        values = {"epoch": epoch, "open": OPEN, "execution": execution, "stream_arn": stream_arn, "now": now}
        free = "attribute_not_exists(#tombstone) AND attribute_not_exists(#epoch)"
        if after is not None:
            free = "attribute_not_exists(#tombstone) AND #epoch = :after AND #status = :closed"
            values = {**values, "after": after, "closed": CLOSED}
        return self._write(fresh, values, free)

    def take_over(self, execution: str, previous: str | None) -> ControlRecord:
        """Make an execution the holder of the open epoch, in place of one that has ended."""
        when = f"{_OPEN} AND #execution = :previous"
        values = {"execution": execution, "previous": previous or "", "open": OPEN}
        return self._write("SET #execution = :execution", values, when)

    def enter(self, execution: str, phase: str) -> ControlRecord:
        """Record that the holding execution entered a state; raises MigrationStopped when it no longer holds."""
        values = {"execution": execution, "open": OPEN, "phase": phase}
        return self._write("SET #phase = :phase", values, _MINE)

    def set_once(self, execution: str, **values: Any) -> ControlRecord:
        """Write attributes that are not there yet, leave those that are, and return the record."""
        sets = ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in values)
        return self._write(f"SET {sets}", {**values, "execution": execution, "open": OPEN}, _MINE)

    def forget_export(self, execution: str) -> ControlRecord:
        """Forget an export that failed, so that the next start makes another."""
        return self._write("REMOVE #export_time, #export_arn", {"execution": execution, "open": OPEN}, _MINE)

    def pause(self, by: str, now: float) -> ControlRecord:
        """Forbid bulk load and apply until `resume`; one that is paused already keeps its beginning.

        Raises MigrationStopped once a cut-over has begun: it goes through, or turns back within its time.
        """
        since = "#paused_since = if_not_exists(#paused_since, :now), #paused_by = if_not_exists(#paused_by, :by)"
        when = f"{_OPEN} AND attribute_not_exists(#cut_over_started)"
        return self._write(f"SET #paused = :yes, {since}", {"yes": True, "now": now, "by": by, "open": OPEN}, when)

    def resume(self) -> ControlRecord:
        """Take a pause away; raises MigrationStopped once a cut-over has stopped apply for good."""
        when = f"{_OPEN} AND attribute_not_exists(#apply_stopped_at)"
        return self._write("REMOVE #paused, #paused_since, #paused_by", {"open": OPEN}, when)

    def set_rates(self, rates: Mapping[str, float | None]) -> ControlRecord:
        """Write rates in units a second, by the names of the record's fields; None takes a limit away."""
        sets = ", ".join(f"#{name} = :{name}" for name, rate in rates.items() if rate is not None)
        removes = ", ".join(f"#{name}" for name, rate in rates.items() if rate is None)
        expression = (f"SET {sets} " if sets else "") + (f"REMOVE {removes}" if removes else "")
        values = {name: rate for name, rate in rates.items() if rate is not None}
        return self._write(expression, {**values, "open": OPEN}, _OPEN)

    def note_apply_failing(self, failure: str, now: float) -> None:
        """Record since when no message can be applied, unless that stands already."""
        when = f"{_OPEN} AND attribute_not_exists(#apply_failing_since)"
        values = {"failure": failure, "now": now, "open": OPEN}
        with contextlib.suppress(ConditionFailed):
            self._update("SET #apply_failing_since = :now, #apply_failure = :failure", values, when)

    def note_apply_works(self, failing_since: float) -> None:
        """Take away what `note_apply_failing` wrote, unless it was written anew meanwhile."""
        expression, when = "REMOVE #apply_failing_since, #apply_failure", "#apply_failing_since = :since"
        with contextlib.suppress(ConditionFailed):
            self._update(expression, {"since": failing_since}, when)

    def set(self, execution: str, **values: Any) -> ControlRecord:
        """Write attributes, whatever stood there, and return the record."""
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        return self._write(f"SET {sets}", {**values, "execution": execution, "open": OPEN}, _MINE)

    def begin_cut_over(self, execution: str, order: CutOverOrder, now: float) -> ControlRecord:
        """Record an order to cut over; one that is under way stays as it is, and one that comes too late is none."""
        ordered = {
            "cut_over_started": now,
            "cut_over_form": order.form,
            "cut_over_timeout": order.timeout_seconds,
            "cut_over_group": order.group,
            "accepted_sample": order.accepted_sample,
            "accepted_by": order.accepted_by,
        }
        values = {name: value for name, value in ordered.items() if value is not None}
        sets = ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in values)
        # An operator who completes the migration has decided that it is not switched again.
        when = f"{_MINE} AND attribute_not_exists(#completing)"
        return self._write(f"SET {sets} REMOVE #task_token", {**values, "execution": execution, "open": OPEN}, when)

    def refuse_cut_over(self, execution: str, reason: str, now: float) -> ControlRecord:
        """Record why an order was not even begun."""
        return self.set(execution, cut_over_refused=reason, cut_over_refused_at=now)

    def note_step(self, execution: str, started: float | None, **values: Any) -> ControlRecord:
        """Write what the cut-over that began at `started` has come to; what stands there already stays.

        Raises MigrationStopped when that cut-over has been given up meanwhile, or is being so.
        """
        sets = ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in values)
        return self._advance(execution, started, f"SET {sets}", values)

    def reach(self, execution: str, started: float | None, step: str) -> ControlRecord:
        """Record at which step of a group the cut-over that began at `started` waits; raises as `note_step`."""
        return self._advance(execution, started, "SET #cut_over_step = :step", {"step": step})

    def turn_back(self, execution: str, started: float | None, reason: str, now: float) -> ControlRecord:
        """Decide to give a cut-over up, unless it or its group has gone through; `cut_over_step` shows which.

        One conditional write decides, here and where a group is told to go on: none of a group turns back once
        another may have gone through. The first reason stays: what another call of the switch meets after that comes
        of the turning back. Raises MigrationStopped when it was given up before.
        """
        when = f"attribute_not_exists(#cut_over_at) AND {_NOT_DECIDED} AND {_GOES_ON}"
        values = {"reason": reason, "now": now, "back": BACK, "flip": FLIP}
        sets = "SET #cut_over_step = :back, #cut_over_refused = :reason, #cut_over_refused_at = :now"
        return _require_same(started, self._switch(execution, started, sets, values, when))

    def forget_cut_over(self, execution: str, started: float | None) -> ControlRecord:
        """Remove what the cut-over that began at `started` and was given up has recorded, but for the reason."""
        return self._switch(execution, started, f"REMOVE {_OF_A_CUT_OVER}", {"back": BACK}, "#cut_over_step = :back")

    def note_cut_over(self, execution: str, started: float | None, now: float) -> ControlRecord:
        """Record the moment from which on no change of the source is applied, unless the cut-over turned back.

        Raises MigrationStopped when the one that began at `started` has even been forgotten.
        """
        sets = "SET #cut_over_at = if_not_exists(#cut_over_at, :now) REMOVE #cut_over_refused"
        record = self._switch(execution, started, sets, {"now": now, "back": BACK}, _GOES_ON)
        return _require_same(started, record)

    def _advance(
        self, execution: str, started: float | None, expression: str, values: Mapping[str, Any]
    ) -> ControlRecord:
        record = self._switch(execution, started, expression, {**values, "back": BACK}, _GOES_ON)
        if record.cut_over_step == BACK:
            raise MigrationStopped(GIVEN_UP)
        return _require_same(started, record)

    def _switch(
        self, execution: str, started: float | None, expression: str, values: Mapping[str, Any], when: str
    ) -> ControlRecord:
        """Write for one cut-over only: a call that Lambda or a lost answer held up must not touch the next one."""
        is_it = "attribute_not_exists(#cut_over_started)" if started is None else "#cut_over_started = :started"
        of_it = {} if started is None else {"started": started}
        values = {**values, **of_it, "execution": execution, "open": OPEN}
        return self._write(expression, values, f"{_MINE} AND {is_it} AND {when}")

    def require_switch(self, started: float | None) -> None:
        """Raise MigrationStopped unless the cut-over under way is the one that began at `started`, None for none."""
        _require_same(started, self.read())

    def ask_to_complete(self, fence: str) -> ControlRecord:
        """Record that the operator completes the migration, and whether its fence stays; the last word counts.

        Raises MigrationStopped while the migration is rolled back.
        """
        no_roll_back = f"attribute_not_exists(#{PREFIX}cut_over_started) OR attribute_exists(#{PREFIX}cut_over_at)"
        when = f"#status = :open AND attribute_exists(#cut_over_at) AND ({no_roll_back})"
        return self._write("SET #completing = :fence", {"fence": fence, "open": OPEN}, when)

    def note_complete(self, now: float) -> ControlRecord:
        """Close the epoch that is being completed; an epoch that was opened since stays open."""
        sets = "SET #status = :closed, #completed_at = if_not_exists(#completed_at, :now)"
        return self._write(sets, {"closed": CLOSED, "now": now}, "attribute_exists(#completing)")

    def next_pass(self, execution: str, ended: str, following: str) -> ControlRecord:
        """Make another verify pass the one to run, in place of the one that has ended."""
        values = {"execution": execution, "open": OPEN, "ended": ended, "following": following}
        return self._write("SET #verify_pass = :following", values, f"{_MINE} AND #verify_pass = :ended")

    def note_repairs(self, execution: str, repairs: int) -> ControlRecord:
        """Record how many rereads Repair has sent in this epoch."""
        values = {"execution": execution, "open": OPEN, "repairs": repairs}
        return self._write("SET #verify_repairs = :repairs", values, _MINE)

    def note_verify(self, report: VerifyReport) -> None:
        """Record what a verify pass of the open epoch has shown; a clean sample shows nothing of the whole."""
        values: dict[str, Any] = {"epoch": report.epoch, "open": OPEN, "verify_pass": report.pass_id}
        sets = "SET #verify_pass = :verify_pass"
        if report.is_clean:
            sets, values = f"{sets}, #verified_at = :verified_at", {**values, "verified_at": report.began_at}
        elif report.verdict == UNEQUAL:
            sets += " REMOVE #verified_at"
        try:
            self._update(sets, values, "#epoch = :epoch AND #status = :open")
        except ConditionFailed as refused:
            self._record(refused.row).require_open(report.epoch)

    def begin_abort(self, epoch: str, even_after_cut_over: bool = False) -> ControlRecord:
        """Forbid all further work of an epoch that is open; an aborting one stays as it is.

        Raises MigrationStopped from the cut-over on, unless the stack goes: the application may have written to
        the destination.
        """
        may = "" if even_after_cut_over else " AND attribute_not_exists(#cut_over_started)"
        when = f"(#status = :aborting OR (#status = :open{may}))"
        return self._end(epoch, "SET #status = :aborting", {"aborting": ABORTING, "open": OPEN}, when)

    def note_mappings_removed(self, epoch: str | None, now: float) -> ControlRecord:
        """Record that mappings stood there until now; the functions may run on for one time-out after it.

        Of an epoch, or where none was ever opened (None).
        """
        return self._end(epoch, "SET #mappings_removed_at = :now", {"now": now})

    def note_incomplete(self, epoch: str, why: str, now: float) -> None:
        """Record that changes of an epoch may have expired until now; the first reason stays, the moment moves on."""
        values = {"why": why, "now": now, "epoch": epoch}
        sets = "SET #incomplete = if_not_exists(#incomplete, :why), #incomplete_at = :now"
        when = "#epoch = :epoch AND (attribute_not_exists(#incomplete_at) OR #incomplete_at < :now)"
        with contextlib.suppress(ConditionFailed):
            self._update(sets, values, when)

    def close(self, epoch: str) -> ControlRecord:
        """Close an epoch that was given up."""
        return self._end(epoch, "SET #status = :closed", {"closed": CLOSED, "open": OPEN}, "#status <> :open")

    def _end(
        self, epoch: str | None, expression: str, values: Mapping[str, Any], when: str | None = None
    ) -> ControlRecord:
        """Write for the end of one epoch; raises MigrationStopped where another one was opened since."""
        is_it = "attribute_not_exists(#epoch)" if epoch is None else "#epoch = :epoch"
        of_it = {} if epoch is None else {"epoch": epoch}
        try:
            return self._record(self._update(expression, {**values, **of_it}, f"{is_it} AND {when}" if when else is_it))
        except ConditionFailed as refused:
            record = self._record(refused.row)
            record.require_open()
            raise MigrationStopped(CUT_OVER_BEGAN if record.epoch == epoch else STARTED_AGAIN) from refused

    def bury(self) -> ControlRecord:
        """Set the tombstone: nothing of this migration may be created any more."""
        return self._write("SET #tombstone = :yes", {"yes": True})

    def note_switched_on(self, feature: str) -> None:
        """Record that a feature of the source was switched on; it is never switched off again, only told."""
        self.rows.update(_PK, _SWITCHED_ON, f"SET #{feature} = :yes", {"yes": True})

    def switched_on(self) -> list[str]:
        """Return the features of the source that this migration has switched on, in any epoch."""
        return sorted(self.rows.get(_PK, _SWITCHED_ON))

    def parked(self, epoch: str) -> int:
        """Return how many keys of the epoch are parked."""
        return self.rows.count(PARKED_INDEX, PARKED_EPOCH, epoch)

    def _write(self, expression: str, values: dict[str, Any], when: str | None = None) -> ControlRecord:
        try:
            return self._record(self._update(expression, values, when))
        except ConditionFailed as refused:
            record = self._record(refused.row)
            record.require_open()
            if "execution" not in values:
                raise MigrationStopped(CUT_OVER_BEGAN) from refused
            if record.execution == values.get("execution"):
                # The answer to this very write was lost, and boto3 wrote again.
                return record
            raise MigrationStopped(f"another execution runs this migration: {record.execution}") from refused

    def _update(self, expression: str, values: Mapping[str, Any], when: str | None) -> Mapping[str, Any]:
        return self.rows.update(_PK, _SK, expression, values, when)

    def _record(self, row: Mapping[str, Any]) -> ControlRecord:
        return ControlRecord.of(row)


def _require_same(started: float | None, record: ControlRecord) -> ControlRecord:
    if record.cut_over_started != started:
        raise MigrationStopped(GIVEN_UP)
    return record


class ReverseControl(ControlTable):
    """The control record as the reverse path sees it and writes to it: see `core.reverse_record`."""

    def _update(self, expression: str, values: Mapping[str, Any], when: str | None) -> Mapping[str, Any]:
        # What is guarded by the epoch is guarded by the migration's.
        epoch = {"epoch": epoch_of(values["epoch"])} if "epoch" in values else {}
        return super()._update(of_reverse(expression), {**values, **epoch}, when and of_reverse(when))

    def _record(self, row: Mapping[str, Any]) -> ControlRecord:
        return reverse_record(row)


def control_of(environment: Environment, client: Any) -> ControlTable:
    """Return the control record as the path sees it that an environment tells of."""
    path = ReverseControl if environment.is_reverse else ControlTable
    return path(client, environment[names.CONTROL_TABLE])
