"""What `status`, `status --watch` and `list` tell of a migration that can be rolled back."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from ddb_migration_construct.cli.facts import path, place
from ddb_migration_construct.cli.migrations import find_migration
from ddb_migration_construct.cli.plain_status import status_lines
from ddb_migration_construct.cli.reading import Reader, Status
from ddb_migration_construct.cli.rich_status import shown
from ddb_migration_construct.cli.samples import Seen
from tests.cli.fakes import BACK, FakeDynamoDb, FakeSqs, FakeStates, arn_of
from tests.cli.running import invoked
from tests.cli.test_status import APPLYING, RECORD, parked

AFAR = 4_000_000_000
READY = {**APPLYING, "reverse_stream_arn": {"S": "arn:reverse"}, "reverse_captured_from": {"N": "7"}}
WINDOW = {
    **READY,
    "phase": {"S": "RollbackWindow"},
    "cut_over_at": {"N": "1700000000"},
    "cut_over_form": {"S": "fenced"},
    "rollback_until": {"N": str(AFAR)},
    "reverse_trigger_enabled_at": {"N": "1700000000"},
}
REFUSED = {**WINDOW, "reverse_cut_over_refused": {"S": "the gate is closed"}}
ROLLING = {**WINDOW, "phase": {"S": "RollBack"}, "reverse_cut_over_started": {"N": "1700000100"}}
ROLLED_BACK = {**ROLLING, "phase": {"S": "Complete"}, "reverse_cut_over_at": {"N": "1700000200"}}
ROWS = [
    {"pk": {"S": "progress#e1"}, "captured": {"N": "15"}, "applied": {"N": "15"}},
    {"pk": {"S": "progress#e1-reverse"}, "captured": {"N": "2000"}, "applied": {"N": "1990"}},
]


def states(state: str = "RollbackWindow", with_window: bool = True) -> FakeStates:
    made = FakeStates("Orders/Migration")
    if with_window:
        made.tags[arn_of("Orders/Migration")].update(BACK)
    made.add("Orders/Migration", status="RUNNING")
    made.enter(state)
    return made


def read(record: dict[str, Any], rows: list[Any] = ROWS, state: str = "RollbackWindow", **more: Any) -> Status:
    found = states(state)
    migration = find_migration(found, "Orders/Migration")
    return Reader(found, FakeDynamoDb(record, rows), FakeSqs(3, 2, 1, reverse=10)).read(migration, **more)


def text(found: Status) -> str:
    return "\n".join(status_lines(found))


def test_the_window_says_until_when_and_how_the_way_back_moves() -> None:
    found = read(WINDOW)
    said = text(found)
    assert "window     until 2096-10-02 07:06:40 UTC, " in said
    assert " left\n" in said
    assert "way back   captured 2,000 · applied 1,990 · 10 waiting · lag unknown" in said
    assert found.next_step == (
        "until 2096-10-02 07:06:40 UTC the application can be switched back: ddb-migration roll-back Orders/Migration"
    )


def test_a_window_that_is_over_is_told_so() -> None:
    assert "window     until 2023-11-14 22:13:21 UTC, it is over" in text(
        read({**WINDOW, "rollback_until": {"N": "1700000001"}})
    )


def test_parked_keys_of_the_way_back_are_told_apart_and_shown_on_demand() -> None:
    rows = [*ROWS, parked("a", "e1-reverse"), parked("b", "e1")]
    found = read(WINDOW, rows, keys=True)
    assert found.reverse is not None
    assert found.parked == found.reverse.parked == {"too odd": 1}
    said = text(found)
    assert said.index('{"pk": {"S": "b"}}') < said.index("way back") < said.index('{"pk": {"S": "a"}}')


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (REFUSED, "roll back  turned back: the gate is closed"),
        (ROLLED_BACK, "roll back  at 2023-11-14 22:16:40 UTC"),
        (
            {**ROLLED_BACK, "phase": {"S": "LiftDestinationFence"}},
            "roll back  neither table takes writes since 2023-11-14 22:16:40 UTC; the source's fence is to be lifted",
        ),
        (
            {**ROLLING, "reverse_fenced_at": {"N": "1700000200"}},
            "roll back  under way; the destination takes no writes since 2023-11-14 22:16:40 UTC",
        ),
        ({**WINDOW, "reverse_incomplete": {"S": "the way back stood still"}}, "incomplete the way back stood still"),
        (
            {
                **WINDOW,
                "reverse_apply_failing_since": {"N": "1700000000"},
                "reverse_apply_failure": {"S": "Throttling"},
            },
            "attention  apply has paused itself: the source has taken nothing since 2023-11-14 22:13:20 UTC",
        ),
    ],
)
def test_what_came_of_a_roll_back_is_told(record: dict[str, Any], said: str) -> None:
    assert said in text(read(record))


def test_once_rolled_back_no_window_is_told_and_complete_comes_next() -> None:
    found = read(ROLLED_BACK, state="Complete")
    assert "window " not in text(found)
    assert found.next_step == (
        "complete it once nothing needs the destination any more: ddb-migration complete Orders/Migration"
    )


def test_what_is_parked_on_the_way_back_is_to_be_put_right_while_it_rolls_back() -> None:
    found = read(ROLLING, [*ROWS, parked("a", "e1-reverse")], state="RollBack")
    assert found.next_step.startswith(
        "put right what the reasons say, then: ddb-migration reread Orders/Migration --pa"
    )
    assert read(ROLLING, [*ROWS, parked("a", "e1")], state="RollBack").next_step.startswith("wait")


def test_what_is_parked_on_the_way_back_comes_before_a_roll_back() -> None:
    found = read(WINDOW, [*ROWS, parked("a", "e1-reverse")])
    assert found.next_step.startswith("put right what the reasons say")
    assert read(WINDOW, [*ROWS, parked("a", "e1")]).next_step.startswith("until 2096-")


def test_from_the_cut_over_on_no_abort_is_proposed() -> None:
    failed = states()
    failed.executions[0]["status"] = "FAILED"
    migration = find_migration(failed, "Orders/Migration")
    told = [Reader(failed, FakeDynamoDb(record), FakeSqs()).read(migration).next_step for record in (READY, WINDOW)]
    assert ["abort" in step for step in told] == [True, False]
    assert all("ddb-migration start Orders/Migration" in step for step in told)


@pytest.mark.parametrize(
    ("record", "state", "left"),
    [
        (APPLYING, "StartReverseCapture", 5),
        (READY, "ReadyToCutOver", 4),
        (READY, "LiftFence", 3),
        (WINDOW, "RollbackWindow", 2),
        (ROLLING, "RollBack", 2),
        (ROLLING, "LiftDestinationFence", 2),
        (ROLLED_BACK, "Complete", 1),
    ],
)
def test_the_way_of_the_migration_has_the_states_of_a_roll_back(record: dict[str, Any], state: str, left: int) -> None:
    found = read(record, state=state)
    assert len(path(found)) - place(found) == left


def test_a_migration_without_a_window_has_none_of_it() -> None:
    found = states("Complete", with_window=False)
    migration = find_migration(found, "Orders/Migration")
    told = Reader(found, FakeDynamoDb({**RECORD, "cut_over_at": {"N": "1"}}), FakeSqs()).read(migration)
    assert told.reverse is None
    assert "RollbackWindow" not in path(told)
    assert not [line for line in status_lines(told) if line.startswith(("window", "way back"))]


def test_an_unfenced_cut_over_has_no_way_back() -> None:
    unfenced = {name: value for name, value in WINDOW.items() if name != "rollback_until"}
    assert "way back" not in text(read(unfenced, state="Complete"))


def test_the_json_holds_the_way_back() -> None:
    found = json.loads(json.dumps(read(WINDOW).as_json()))
    assert found["record"]["rollback_until"] == AFAR
    back = found["reverse"]
    assert (back["backlog"], back["counts"]["captured"], back["record"]["epoch"]) == (10, 2000, "e1-reverse")


def test_in_a_table_it_is_the_way_back_that_moves() -> None:
    seen = Seen()
    one, other = read(WINDOW), read(READY, state="ReadyToCutOver")
    seen.add([one])
    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(shown([*seen.newest, (other, seen.newest[0][1])]))
    first, second = [line for line in console.export_text().splitlines() if "Orders/" in line]
    assert "RollbackWindow" in first
    assert first.split()[-2:] == ["10", "0"]
    assert second.split()[-2:] == ["6", "0"]


def test_the_list_says_until_when(monkeypatch: pytest.MonkeyPatch) -> None:
    clients = {"stepfunctions": states(), "dynamodb": FakeDynamoDb(WINDOW)}
    assert "RollbackWindow until 2096-10-02 07:06:40 UTC" in invoked(monkeypatch, clients, "list").stdout
    told = json.loads(invoked(monkeypatch, clients, "list", "--json").stdout)
    assert (told["phase"], told["rollback_until"]) == ("RollbackWindow", AFAR)
    clients["dynamodb"] = FakeDynamoDb(ROLLED_BACK)
    assert "Complete, rolled back" in invoked(monkeypatch, clients, "list").stdout
    clients["dynamodb"] = FakeDynamoDb({**ROLLED_BACK, "phase": {"S": "RollBack"}})
    assert "rolled back" not in invoked(monkeypatch, clients, "list").stdout
