"""`ddb-migration status --watch`: rates, the live view, and when it ends."""

from __future__ import annotations

import dataclasses
import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.console import Console

from ddb_migration_construct.cli.control_table import ControlRecord
from ddb_migration_construct.cli.executions import Execution
from ddb_migration_construct.cli.migrations import choose
from ddb_migration_construct.cli.reading import Reader, Status
from ddb_migration_construct.cli.rich_status import shown
from ddb_migration_construct.cli.samples import Samples, Seen
from ddb_migration_construct.cli.view import LineView, view_for
from ddb_migration_construct.cli.watching import Watch
from ddb_migration_construct.cli.words import count, duration
from tests.cli.fakes import FakeDynamoDb, FakeSqs, FakeStates
from tests.cli.running import invoked
from tests.fakes.client_errors import client_error

LOADING = ControlRecord(
    epoch="e1", status="open", phase="ChooseBulkLoad", bulk_load="direct", bulk_began_at=1.0, source_items=2_000_000
)


def status(at: float, record: ControlRecord = LOADING, **more: Any) -> Status:
    counts = {"captured": 900, "sent": 900, "applied": more.pop("applied", int(4 * at))}
    execution = Execution("arn:one", more.pop("execution", "RUNNING"), error=more.pop("error", None))
    load = {"loaded": int(4000 * at), "load_rate": 4000.0}
    given = {"counts": counts, **load, "state": "DirectMigrationJob", "backlog": 900, "dead_letters": 0, **more}
    return Status(migration="Migrations/Orders", record=record, execution=execution, at=at, **given)


def sampled(*statuses: Status) -> Samples:
    samples = Samples()
    for one in statuses:
        samples.add(one)
    return samples


def test_a_rate_is_that_of_the_last_ten_seconds() -> None:
    samples = sampled(status(0.0), status(5.0), status(10.0))
    assert samples.per_second("applied") == 4.0
    slow = [status(at, applied=40 + int(at)) for at in (12.0, 17.0, 22.0)]
    for one in slow:
        samples.add(one)
    assert samples.per_second("applied") == 1.0


def test_no_rate_is_known_from_one_look_or_across_epochs() -> None:
    assert sampled(status(0.0)).per_second("applied") is None
    other = dataclasses.replace(LOADING, epoch="e2")
    assert sampled(status(0.0), status(5.0), status(6.0, other)).per_second("applied") is None


def test_the_time_left_is_that_of_the_bulk_load_and_then_of_the_drain() -> None:
    assert sampled(status(0.0), status(10.0)).seconds_left() == (2_000_000 - 40_000) / 4000
    draining = dataclasses.replace(LOADING, bulk_loaded_at=5.0, trigger_enabled_at=6.0)
    assert sampled(status(10.0, draining, applied=0), status(20.0, draining, applied=90)).seconds_left() == 100.0
    assert sampled(status(10.0, draining, applied=0), status(20.0, draining, applied=0)).seconds_left() is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "unknown"), (0.4, "0 s"), (60, "1 min"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (529200, "6 d 3 h")],
)
def test_durations_have_two_units(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_have_their_thousands_apart() -> None:
    assert (count(1234567.0), count(None)) == ("1,234,567", "?")


def rendered(seen: Seen, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(shown(seen.newest))
    return [line.rstrip() for line in console.export_text().splitlines()]


def looked(*looks: list[Status]) -> Seen:
    seen = Seen()
    for statuses in looks:
        seen.add(statuses)
    return seen


@pytest.mark.parametrize("width", [80, 120])
def test_one_migration_is_shown_in_full_at_any_width(width: int) -> None:
    now = status(200.0, throttles="destination 3 %", waiting_for="the job", parked={"a [reason]": 2})
    lines = rendered(looked([status(190.0)], [now]), width)
    text = "\n".join(lines)
    assert lines[0] == "Migrations/Orders  running"
    assert all(len(line) <= width for line in lines)
    assert "✓ Settle" in text
    assert "▶ DirectMigrationJob" in text
    assert "· Drain" in text
    assert "40 % · 800,000 of about 2,000,000 items · 4,000 items/s" in " ".join(text.split())
    assert "2 for: a [reason]" in text
    assert "throttled  destination 3 %" in text


def test_a_failed_state_is_marked() -> None:
    failed = status(1.0, execution="FAILED", error="States.TaskFailed", state=None)
    assert "✗ " in "\n".join(rendered(looked([failed]), 80))


@pytest.mark.parametrize("width", [80, 120])
def test_several_migrations_are_a_row_each(width: int) -> None:
    paused = dataclasses.replace(LOADING, paused=True, paused_by="arn:aws:sts::1:ann", paused_since=1.0)
    names = ("Migrations/Orders", "Migrations/Customers")
    first, second = (dataclasses.replace(status(9.0), migration=name) for name in names)
    lines = rendered(looked([first, dataclasses.replace(second, record=paused)]), width)
    assert all(len(line) <= width for line in lines)
    assert lines[1].startswith("Migrations/Orders     DirectMigrationJob  2 %, 8 min    -      900       0")
    assert lines[2].startswith("Migrations/Customers  DirectMigrationJob")
    # Beside it, or below where there is no room.
    assert "paused by ann since 1970-01-01 00:00:01 UTC" in lines[2 if width == 120 else 3]


def test_what_needs_you_is_shown_first_where_a_window_is_too_low_for_all() -> None:
    many = [dataclasses.replace(status(9.0), migration=f"Shop/T{number}") for number in range(6)]
    many[5] = dataclasses.replace(status(9.0, execution="FAILED", error="States.Runtime"), migration="Shop/T5")
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(shown(looked(many).newest, 3))
    _, *rows, more = console.export_text().splitlines()
    assert [row.split()[0] for row in rows] == ["Shop/T5", "Shop/T0", "Shop/T1"]
    assert more.strip() == "and 3 more, for a higher window"


def test_lines_tell_of_migrations_now_and_then() -> None:
    stream = io.StringIO()
    view = LineView(stream)
    for at in (1.0, 2.0, 3.0):
        view.show_migrations([status(at)])
    (line,) = stream.getvalue().splitlines()
    assert "Migrations/Orders DirectMigrationJob | bulk load 0 % · 4,000 of about 2,000,000 items" in line


class Ending(FakeStates):
    """Executions that end one look after the other."""

    def __init__(self, *endings: str) -> None:
        super().__init__(*(f"Shop/T{number}" for number in range(len(endings))))
        for number in range(len(endings)):
            self.add(f"Shop/T{number}", status="RUNNING")
        self._endings = list(endings)

    def sleep(self, _: float) -> None:
        number = len(self.executions) - len(self._endings)
        self.executions[number]["status"] = self._endings.pop(0)


@pytest.mark.parametrize(("endings", "code"), [(("SUCCEEDED", "SUCCEEDED"), 0), (("FAILED", "SUCCEEDED"), 4)])
def test_watching_ends_with_the_last_execution(
    endings: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    states = Ending(*endings)
    watch = Watch(Reader(states, FakeDynamoDb(), FakeSqs()), 1.0, states.sleep)
    assert watch.shown(choose(states, [], "Shop")) == code
    assert "Shop/T0" in capsys.readouterr().out


def test_watching_as_json_prints_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    states = FakeStates("Shop/A")
    states.add("Shop/A", status="FAILED", error="No")
    clients = {"stepfunctions": states, "dynamodb": FakeDynamoDb(), "sqs": FakeSqs()}
    result = invoked(monkeypatch, clients, "status", "Shop/A", "--watch", "--json", "--every", "0.5")
    assert result.exit_code == 4
    assert [json.loads(line)["execution"]["error"] for line in result.stdout.splitlines()] == ["No", "No"]


def test_an_execution_that_was_just_started_is_waited_for() -> None:
    states = FakeStates("Shop/A")

    def sleep(_: float) -> None:
        if states.executions:
            states.executions[0]["status"] = "FAILED"
        else:
            states.add("Shop/A", status="RUNNING")

    assert Watch(Reader(states, FakeDynamoDb(), FakeSqs()), 1.0, sleep).shown(choose(states, ["Shop/A"])) == 4


class Unreachable(Ending):
    """Step Functions that cannot be reached at some looks, counted from 1."""

    def __init__(self, *endings: str, at: tuple[int, ...], error: Exception) -> None:
        super().__init__(*endings)
        self._at, self._error, self._looks = at, error, 0

    def list_executions(self, *args: Any, **request: Any) -> dict[str, Any]:
        self._looks += 1
        if self._looks in self._at:
            raise self._error
        return super().list_executions(*args, **request)


@pytest.mark.parametrize(
    "error", [EndpointConnectionError(endpoint_url="states"), client_error("ListExecutions", "ThrottlingException")]
)
def test_watching_outlasts_what_aws_does_not_answer(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    states = Unreachable("FAILED", "SUCCEEDED", at=(1, 4), error=error)
    watch = Watch(Reader(states, FakeDynamoDb(), FakeSqs()), 1.0, states.sleep)
    assert watch.as_json(choose(states, [], "Shop")) == 4
    said = capsys.readouterr()
    assert said.err.count("AWS does not answer, and is asked again") == 2
    assert [json.loads(line)["migration"] for line in said.out.splitlines()][-2:] == ["Shop/T0", "Shop/T1"]


def test_watching_ends_where_the_answer_will_be_the_same() -> None:
    states = Unreachable("FAILED", at=(1,), error=client_error("ListExecutions", "AccessDeniedException"))
    watch = Watch(Reader(states, FakeDynamoDb(), FakeSqs()), 1.0, states.sleep)
    with pytest.raises(ClientError, match="AccessDenied"):
        watch.as_json(choose(states, [], "Shop"))


class Terminal(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_that_cannot_move_up_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(view_for(Terminal()), LineView)
    monkeypatch.setenv("TERM", "xterm-256color")
    view = view_for(Terminal())
    view.close()
    assert not isinstance(view, LineView)
