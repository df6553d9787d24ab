"""Pause, resume and rates: what the record says, what the mapping does, and how the states wait."""

from __future__ import annotations

from typing import Any

import pytest

from ddb_migration import names
from ddb_migration.aws.mappings import DISABLED, ENABLED, queue_settings
from ddb_migration.core.control_record import MigrationStopped
from ddb_migration.core.moments import utc
from enable_trigger import choose_bulk_load, drain, enable_trigger, export, start_capture
from reread import handler as reread_handler
from reread.handler import RATES, Parts, handler
from reread.pausing import Pausing
from tests.functions.migration import EXECUTION, QUEUE_ARN, WRITER, Caller, Migration

ANN = "arn:aws:iam::123456789012:user/ann"
READS, WRITES = RATES


class Operating:
    """A migration in an open epoch, and the function that its operator calls."""

    def __init__(self, migration: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
        self.migration = migration
        self.lambda_ = migration.aws.functions
        migration.aws.states.status[EXECUTION] = "RUNNING"
        Caller(migration, start_capture.run).once()
        pausing = Pausing(migration.control, migration.mappings, WRITER, QUEUE_ARN, migration.clock)
        unused: Any = None
        parts = Parts(migration.source, migration.control, unused, migration.queue, unused, pausing, migration.clock)
        monkeypatch.setattr(reread_handler, "_parts", lambda: parts)

    def apply(self) -> None:
        """Bring the migration to where apply goes on."""
        self.migration.control.set_once(EXECUTION, barrier_at=1)
        Caller(self.migration, enable_trigger.run).once()
        assert self.state() == ENABLED

    def call(self, action: str, **event: Any) -> dict[str, Any]:
        return handler({"action": action, "by": ANN, **event}, None)

    def state(self) -> str | None:
        found = self.migration.mappings.of(WRITER, QUEUE_ARN)
        return str(found[0]["State"]) if found else None

    def once(self, run: Any) -> dict[str, Any]:
        return Caller(self.migration, run).once()


@pytest.fixture
def operating(migration: Migration, monkeypatch: pytest.MonkeyPatch) -> Operating:
    return Operating(migration, monkeypatch)


def test_a_pause_is_done_when_the_mapping_is_disabled(operating: Operating) -> None:
    operating.apply()
    operating.lambda_.slow = True
    answer = operating.call("pause")
    assert (answer["done"], answer["waiting_for"]) == (False, "the apply mapping to be Disabled")
    assert operating.migration.control.read().paused
    assert not operating.call("pause", goes_on=True)["done"]
    operating.lambda_.settle()
    answer = operating.call("pause", goes_on=True)
    assert (answer["done"], answer["mapping"], answer["paused_by"]) == (True, DISABLED, ANN)


def test_a_pause_keeps_its_beginning_and_leaves_capture_alone(operating: Operating) -> None:
    operating.apply()
    first = operating.call("pause")
    operating.migration.clock.sleep(500)
    again = operating.call("pause", by="arn:bob")
    assert (again["paused_since"], again["paused_by"]) == (first["paused_since"], ANN)
    capture = operating.migration.mappings.of("arn:function:processor")
    assert [mapping["State"] for mapping in capture] == [ENABLED]


def test_a_resume_is_done_when_the_mapping_is_enabled(operating: Operating) -> None:
    operating.apply()
    operating.call("pause")
    operating.lambda_.slow = True
    assert not operating.call("resume")["done"]
    operating.lambda_.settle()
    assert operating.call("resume", goes_on=True)["mapping"] == ENABLED
    record = operating.migration.control.read()
    assert (record.paused, record.paused_since, record.paused_by) == (False, None, None)


def test_a_pause_before_apply_has_nothing_to_switch(operating: Operating) -> None:
    assert operating.call("pause")["mapping"] is None
    answer = operating.call("resume")
    assert (answer["done"], answer["mapping"]) == (True, None)


def test_a_resume_enables_nothing_before_the_barrier(operating: Operating) -> None:
    """A mapping left over by an earlier epoch, say, is not the business of a resume."""
    create = operating.migration.aws.functions.create_event_source_mapping
    mapping = create(FunctionName=WRITER, EventSourceArn=QUEUE_ARN, **queue_settings(2))
    operating.migration.mappings.switch(mapping, enabled=False)
    operating.call("pause")
    assert operating.call("resume")["done"]
    assert operating.state() == DISABLED


def test_of_a_pause_and_a_resume_at_once_the_pause_wins(operating: Operating) -> None:
    operating.apply()
    operating.call("pause")
    update = operating.lambda_.update_event_source_mapping

    def paused_meanwhile(**request: Any) -> Any:
        operating.lambda_.update_event_source_mapping = update  # type: ignore[method-assign]  # only this once
        operating.migration.control.pause("arn:bob", 1.0)
        return update(**request)

    operating.lambda_.update_event_source_mapping = paused_meanwhile  # type: ignore[method-assign]  # the race
    operating.call("resume")
    assert operating.state() == DISABLED
    assert "arn:bob paused the migration" in operating.call("resume", goes_on=True)["refused"]
    assert operating.state() == DISABLED


def test_a_pause_that_was_taken_back_meanwhile_says_so(operating: Operating) -> None:
    operating.apply()
    operating.call("pause")
    operating.call("resume")
    assert "resumed the migration meanwhile" in operating.call("pause", goes_on=True)["refused"]


@pytest.mark.parametrize("action", ["pause", "resume", "rate"])
def test_nothing_is_changed_where_no_epoch_is_open(migration: Migration, operating: Operating, action: str) -> None:
    migration.control.begin_abort(str(migration.control.read().epoch))
    before = migration.control.read()
    assert "aborting, not open" in operating.call(action, rates={READS: 5})["refused"]
    assert migration.control.read() == before


def test_a_new_epoch_begins_unpaused(migration: Migration, operating: Operating) -> None:
    operating.call("pause")
    migration.control.begin_abort(str(migration.control.read().epoch))
    migration.control.close(str(migration.control.read().epoch))
    record = migration.open()
    assert (record.paused, record.paused_since, record.paused_by) == (False, None, None)


# --- the states ------------------------------------------------------------------------------------------------


def test_a_paused_migration_begins_no_bulk_load(migration: Migration, operating: Operating) -> None:
    since = operating.call("pause")["paused_since"]
    answer = operating.once(choose_bulk_load.run)
    assert answer["waiting_for"] == f"ddb-migration resume: {ANN} paused it at {utc(since)}"
    assert operating.once(export.run)["paused"]
    assert migration.control.read().bulk_load is None
    assert migration.control.read().export_time is None
    operating.call("resume")
    assert operating.once(choose_bulk_load.run)["bulk_load"] == names.DIRECT


def test_a_planned_load_waits_too(migration: Migration, operating: Operating) -> None:
    migration.control.set_once(EXECUTION, export_time=1, export_arn="arn:export", plan="{}")
    operating.call("pause")
    assert not operating.once(export.run)["done"]
    operating.call("resume")
    assert operating.once(export.run)["done"]


def test_a_paused_migration_is_not_enabled_by_a_state(migration: Migration, operating: Operating) -> None:
    migration.control.set_once(EXECUTION, barrier_at=1)
    operating.call("pause")
    assert operating.once(enable_trigger.run)["paused"]
    assert operating.state() is None
    operating.call("resume")
    assert operating.once(enable_trigger.run)["done"]
    operating.call("pause")
    assert operating.once(enable_trigger.run)["paused"]
    assert operating.state() == DISABLED


def test_a_pause_between_the_look_and_the_mapping_is_obeyed(migration: Migration, operating: Operating) -> None:
    migration.control.set_once(EXECUTION, barrier_at=1)
    create = operating.lambda_.create_event_source_mapping

    def paused_meanwhile(**request: Any) -> Any:
        operating.call("pause")
        return create(**request)

    operating.lambda_.create_event_source_mapping = paused_meanwhile  # type: ignore[method-assign]  # the race
    assert operating.once(enable_trigger.run)["paused"]
    assert operating.state() == DISABLED


def test_drain_waits_while_paused_and_counts_quiet_anew(migration: Migration, operating: Operating) -> None:
    operating.apply()
    caller = Caller(migration, drain.run)
    assert caller.once()["quiet_seconds"] == 0
    operating.call("pause")
    answer = caller.once()
    assert (answer["done"], answer["paused"]) == (False, True)
    assert operating.state() == DISABLED
    operating.call("resume")
    assert caller.once()["quiet_seconds"] == 0


# --- rates -----------------------------------------------------------------------------------------------------


def test_rates_are_set_and_taken_away(migration: Migration, operating: Operating) -> None:
    answer = operating.call("rate", rates={READS: 500, WRITES: 700})
    assert (answer[READS], answer[WRITES], answer["bulk_loaded_at"]) == (500, 700, None)
    operating.call("rate", rates={WRITES: None})
    record = migration.control.read()
    assert (record.max_read_units_per_second, record.max_write_units_per_second) == (500, None)


def test_without_rates_those_in_force_are_told(migration: Migration, operating: Operating) -> None:
    operating.once(choose_bulk_load.run)
    before = migration.control.read()
    answer = operating.call("rate", rates={})
    assert (answer[READS], answer[WRITES]) == (before.max_read_units_per_second, None)
    assert migration.control.read() == before


def test_a_rate_set_before_the_bulk_load_is_kept(migration: Migration, operating: Operating) -> None:
    operating.call("rate", rates={READS: 7})
    operating.once(choose_bulk_load.run)
    assert migration.control.read().max_read_units_per_second == 7


@pytest.mark.parametrize("rate", [0, -1])
def test_fails_on_what_is_no_rate(migration: Migration, operating: Operating, rate: int) -> None:
    before = migration.control.read()
    assert "a number above 0; to stop, pause" in operating.call("rate", rates={WRITES: rate})["refused"]
    assert migration.control.read() == before


def test_nothing_but_rates_can_be_set(migration: Migration, operating: Operating) -> None:
    before = migration.control.read()
    operating.call("rate", rates={"barrier_at": 1})
    assert migration.control.read() == before


def test_pausing_twice_while_open_is_no_error_for_the_record(migration: Migration) -> None:
    migration.open()
    migration.control.pause(ANN, 1.0)
    assert migration.control.pause(ANN, 2.0).paused_since == 1.0
    migration.control.bury()
    with pytest.raises(MigrationStopped):
        migration.control.pause(ANN, 3.0)
