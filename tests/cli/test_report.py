"""`ddb-migration report`: the JSON and the page, from what the migration has written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddb_migration_construct.cli.migrations import choose
from ddb_migration_construct.cli.report import gathered
from tests.cli.fakes import FakeDynamoDb, FakeStates
from tests.cli.running import invoked
from tests.cli.test_over_time import FakeCloudWatch
from tests.cli.verify_reports import FakeS3, report_text

NAME = "Orders/Migration"
RECORD = {
    "epoch": {"S": "e1"},
    "status": {"S": "open"},
    "captured_from": {"N": "1790000000"},
    "settled_at": {"N": "1790000300"},
    "verify_pass": {"S": "1"},
}
SUSPECTS = [
    {"key": '[["pk","S","stuck"]]', "judgements": 3},
    {"key": '[["pk","S","moving"]]', "judgements": 0},
]
ROUND = {"number": 1, "since": 1.0, "began": 2.0, "keys": 5, "seconds": 0.5}
ROUND.update({"differences": 1, "rereads": 1, "moving": 1, "stuck": 1})
ROWS = [
    {"pk": {"S": "changed#e1"}, "told": {"S": json.dumps(ROUND)}},
    {"pk": {"S": "changed#e1"}, "round": {"S": json.dumps({"suspects": SUSPECTS})}},
    {"pk": {"S": "gate#e1"}, "told": {"S": json.dumps({"at": 3.0, "reasons": ["closed"], "lag_seconds": 42.0})}},
]


def clients(*names: str, s3: FakeS3 | None = None, record: dict[str, Any] | None = None) -> dict[str, Any]:
    s3 = s3 or FakeS3({"verify/e1/1/report.json": report_text()})
    dynamodb = FakeDynamoDb(RECORD if record is None else record, ROWS)
    states = FakeStates(*(names or (NAME,)))
    return {"stepfunctions": states, "dynamodb": dynamodb, "s3": s3, "cloudwatch": FakeCloudWatch()}


def test_the_report_is_written_as_json_and_as_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = invoked(monkeypatch, clients(), "report", NAME, "--out", str(tmp_path / "new"))
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "new" / "report.json").read_text())
    assert (found["epoch"], found["lag_seconds"], found["gate"]["reasons"]) == ("e1", 42.0, ["closed"])
    assert found["phases"][0] == {"name": "Settle", "began": 1_790_000_000, "ended": 1_790_000_300}
    assert found["phases"][1]["ended"] is None
    assert found["changed_keys"] == {"rounds": [ROUND], "stuck": ['[["pk","S","stuck"]]']}
    assert found["verify"]["verdict"] == "equal"
    page = (tmp_path / "new" / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert [one["title"] for one in found["over_time"]["charts"]][:2] == ["Lag", "Backlog"]
    assert "Over time" in page
    assert "Orders/Migration" in page


def test_late_writes_to_the_source_are_counted_and_their_keys_listed() -> None:
    late = [("a", 3, 7.0), ("b", 1, 9.0)]
    rows = [
        {"pk": {"S": "late#e1"}, "item_key": {"S": key}, "changes": {"N": str(number)}, "at": {"N": str(at)}}
        for key, number, at in late
    ]
    record = {**RECORD, "cut_over_at": {"N": "5"}, "cut_over_form": {"S": "unfenced"}}
    made = clients(record=record)
    (migration,) = choose(made["stepfunctions"], [NAME])
    found = gathered(FakeDynamoDb(record, rows), made["s3"], migration, 9.0)
    listed = [{"key": key, "changes": number, "last_at": at} for key, number, at in late]
    assert found["late_changes"] == {"keys": 2, "changes": 4, "last_at": 9.0, "listed": listed}
    assert found["cut_over_form"] == "unfenced"


def test_several_migrations_have_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = clients("Shop/Orders", "Shop/Users")
    done = invoked(monkeypatch, made, "report", "--all", "Shop", "--out", str(tmp_path), "--json")
    assert done.exit_code == 0, done.output
    assert sorted(path.parent.name for path in tmp_path.rglob("report.html")) == ["Shop-Orders", "Shop-Users"]
    assert [json.loads(line)["migration"] for line in done.stdout.splitlines()] == ["Shop/Orders", "Shop/Users"]


@pytest.mark.parametrize("record", [{**RECORD, "verify_pass": {"S": "2"}}, {"epoch": {"S": "e1"}}])
def test_before_a_verify_has_ended_there_is_a_report_too(record: dict[str, Any]) -> None:
    made = clients(record=record)
    (migration,) = choose(made["stepfunctions"], [NAME])
    assert gathered(made["dynamodb"], made["s3"], migration, 9.0)["verify"] is None


def test_fails_before_the_first_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = invoked(monkeypatch, clients(record={}), "report", NAME, "--out", str(tmp_path))
    assert done.exit_code == 3
    assert "has not begun; start it: ddb-migration start Orders/Migration" in done.output


def test_fails_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    done = invoked(monkeypatch, clients(), "report", NAME, "--out", str(tmp_path / "file"))
    assert done.exit_code == 1
    assert "cannot be written" in done.output


WINDOW = {
    **RECORD,
    "cut_over_started": {"N": "1790000600"},
    "cut_over_at": {"N": "1790000700"},
    "rollback_until": {"N": "1790090000"},
}
ROLLING = {**WINDOW, "reverse_cut_over_started": {"N": "1790000800"}}
ROLLED_BACK = {**ROLLING, "reverse_cut_over_at": {"N": "1790000900"}, "reverse_cut_over_refused": {"S": "at first"}}


def report_of(record: dict[str, Any], now: float) -> dict[str, Any]:
    made = clients(record=record)
    rows = [{**row, "pk": {"S": row["pk"]["S"] + "-reverse"}} for row in ROWS]
    (migration,) = choose(made["stepfunctions"], [NAME])
    return gathered(FakeDynamoDb(record, rows), made["s3"], migration, now)


@pytest.mark.parametrize(
    ("record", "now", "phases"),
    [
        (WINDOW, 1_790_001_000, {"RollbackWindow": (1_790_000_700, None)}),
        (WINDOW, 1_790_090_001, {"RollbackWindow": (1_790_000_700, 1_790_090_000), "Complete": (1_790_090_000, None)}),
        (
            ROLLING,
            1_790_090_001,
            {"RollbackWindow": (1_790_000_700, 1_790_000_800), "RollBack": (1_790_000_800, None)},
        ),
        (
            ROLLED_BACK,
            1_790_001_000,
            {
                "RollbackWindow": (1_790_000_700, 1_790_000_800),
                "RollBack": (1_790_000_800, 1_790_000_900),
                "Complete": (1_790_000_900, None),
            },
        ),
        (
            {name: value for name, value in WINDOW.items() if name != "rollback_until"},
            1_790_001_000,
            {"Complete": (1_790_000_700, None)},
        ),
    ],
)
def test_the_phases_behind_a_cut_over(record: dict[str, Any], now: float, phases: dict[str, Any]) -> None:
    told = {phase["name"]: (phase["began"], phase["ended"]) for phase in report_of(record, now)["phases"]}
    del told["Settle"], told["Bulk load"], told["CutOver"]
    assert told == phases


def test_the_way_back_is_told_apart() -> None:
    found = report_of(ROLLED_BACK, 1_790_001_000)
    assert found["changed_keys"] == {"rounds": [], "stuck": []}
    assert found["gate"] is None
    assert found["way_back"] == {
        "until": 1_790_090_000,
        "rolled_back_at": 1_790_000_900,
        "refused": "at first",
        "incomplete": None,
        "gate": {"at": 3.0, "reasons": ["closed"], "accepted_sample": None},
        "changed_keys": {"rounds": [ROUND], "stuck": ['[["pk","S","stuck"]]']},
        "late_changes": {"keys": 0, "changes": 0, "last_at": None, "listed": []},
    }
    assert report_of(RECORD, 1.0)["way_back"] is None
