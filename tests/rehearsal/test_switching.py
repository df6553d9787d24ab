"""The application of a rehearsal hears of a switch, goes on at the other table, and tells when it was misled."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from ddb_migration_construct.cli.control_table import ControlRecord
from ddb_migration_construct.cli.view import LineView
from ddb_migration_construct.rehearsal import switching
from ddb_migration_construct.rehearsal.items import HostileItems
from ddb_migration_construct.rehearsal.key_shape import KeyShape
from ddb_migration_construct.rehearsal.progress import Progress
from ddb_migration_construct.rehearsal.switching import Follower, SwitchNotSeen, figures, go_on
from ddb_migration_construct.rehearsal.writers import WriterFailed, Writers
from tests.rehearsal.fakes import FakeTables

ITEMS = HostileItems(7, KeyShape.parse("sn"))
RECORD = ControlRecord(cut_over_form="fenced", prepared_at=100.0, cut_over_at=107.0)


@dataclass
class Phases:
    """Phases that are told one at each look."""

    told: list[str] = field(default_factory=list)

    def take(self) -> list[str]:
        return [self.told.pop(0)] if self.told else []


@pytest.fixture
def progress() -> Progress:
    class Nowhere:
        def write(self, _: str) -> None: ...

        def flush(self) -> None: ...

    nowhere: Any = Nowhere()
    return Progress(LineView(nowhere))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switching, "_POLL_SECONDS", 0.005)


def writers(tables: Any, rate: float = 500) -> Writers:
    return Writers(tables, "source", ITEMS, population=50, writes_per_second=rate)


def test_a_follower_acts_once_at_its_phase_and_knows_when(monkeypatch: pytest.MonkeyPatch) -> None:
    phases: Any = Phases(["Fenced", "RolledBack", "RolledBack"])
    acts: list[float] = []
    with Follower(phases, "RolledBack", lambda: acts.append(time.time())) as follower:
        follower.wait()
    assert len(acts) == 1
    assert 0 <= acts[0] - follower.heard_at < 1
    assert phases.told == ["RolledBack"]


def test_a_switch_of_which_no_event_tells_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switching, "_HEARD_WITHIN_SECONDS", 0.05)
    phases: Any = Phases(["Fenced"])
    with Follower(phases, "RolledBack", lambda: None) as follower, pytest.raises(SwitchNotSeen, match="RolledBack"):
        follower.wait()


def test_it_goes_on_at_the_other_table_for_as_many_writes_as_were_asked_for(progress: Progress) -> None:
    tables = FakeTables()
    with writers(tables) as writing:
        writing.hold()
        go_on(writing, "destination", "destination", 40, progress)
        assert writing.writes_here >= 40
        assert len([call for _, call in tables.calls if call["TableName"] == "destination"]) >= 40
        writing.hold()
        go_on(writing, "source", "source", 5, progress)
        assert 5 <= writing.writes_here < writing.writes


def test_without_writers_it_goes_on_at_once(progress: Progress) -> None:
    with writers(FakeTables(), rate=0) as writing:
        writing.hold()
        go_on(writing, "destination", "destination", 40, progress)


def test_a_table_that_takes_nothing_is_told(progress: Progress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switching, "_WRITTEN_WITHIN_SECONDS", 0.05)
    with writers(FakeTables(), rate=0.01) as writing:
        time.sleep(0.05)
        writing.hold()
        with pytest.raises(SwitchNotSeen, match="nothing was written to the destination"):
            go_on(writing, "destination", "destination", 40, progress)


def test_a_table_that_refuses_is_told(progress: Progress) -> None:
    class Broken(FakeTables):
        def put_item(self, **request: Any) -> dict[str, Any]:
            if request["TableName"] == "destination":
                raise RuntimeError("gone")
            return super().put_item(**request)

    with writers(Broken()) as writing:
        writing.hold()
        with pytest.raises(WriterFailed, match="could not write to destination: gone"):
            go_on(writing, "destination", "destination", 1000, progress)


def test_the_figures_are_those_of_the_fence_and_of_the_table_that_was_left() -> None:
    with writers(FakeTables(), rate=0) as writing:
        writing.refusals = [101.0, 102.0]
        found = figures(RECORD, writing, 108.5, 3)
    assert (found.form, found.writes, found.lost, found.refused, found.fence_seconds) == ("fenced", 0, 3, 2, 8.5)


def test_writes_that_are_denied_before_there_is_a_fence_are_told() -> None:
    with writers(FakeTables(), rate=0) as writing:
        writing.refusals = [99.0, 101.0]
        with pytest.raises(SwitchNotSeen, match="1 writes were denied before there was a fence"):
            figures(RECORD, writing, 108.5, 0)
