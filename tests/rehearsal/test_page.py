"""The page of a rehearsal: its own verdict first, also where the migration came to none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ddb_migration_construct.cli.failures import CommandFailed
from ddb_migration_construct.cli.migrations import choose
from ddb_migration_construct.rehearsal.comparison import Comparison, Difference
from ddb_migration_construct.rehearsal.deployed import Deployed
from ddb_migration_construct.rehearsal.page import section, write_page
from ddb_migration_construct.rehearsal.sampling import Sample
from ddb_migration_construct.rehearsal.verdict import Differences, Failure, Findings, SwitchFigures
from tests.cli.fakes import FakeDynamoDb, FakeStates
from tests.cli.verify_reports import FakeS3, report_text
from tests.core.test_report_page import Outline

NAME = "Rehearsal/Migration"
EQUAL = Findings("direct", 7, comparison=Comparison(10, 10), faults={"late": 3})
DIFFERENT = replace(EQUAL, comparison=Comparison(10, 9, missing=1, differences=(Difference("missing", "hash", ()),)))
FAILED = Findings("direct", 7, failure=Failure("Stalled", "nothing moved for <120> s"))
RECORD = {"epoch": {"S": "e1"}, "captured_from": {"N": "1790000000"}, "verify_pass": {"S": "1"}}
SAMPLES = [Sample(1_790_000_000.0 + at, 1.0, at, at, at, at, {"late": at}) for at in range(9)]


def deployed(record: dict[str, Any] | None) -> Deployed:
    (migration,) = choose(FakeStates(NAME), [NAME])
    s3 = FakeS3({"verify/e1/1/report.json": report_text()})
    found = SimpleNamespace(migration=migration, dynamodb=FakeDynamoDb(record), client={"s3": s3}.__getitem__)
    return cast("Deployed", found)


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        (EQUAL, "Rehearsal Equal The rehearsal compared every item"),
        (DIFFERENT, "Rehearsal Different The rehearsal compared every item at the end, and the tables differ."),
        (FAILED, "Rehearsal Failed The rehearsal did not come to its end"),
    ],
)
def test_the_rehearsals_own_verdict_comes_before_all_other_sections(
    tmp_path: Path, findings: Findings, said: str
) -> None:
    page = write_page(tmp_path, deployed(RECORD), findings, SAMPLES)
    assert page == tmp_path / "direct" / "report.html"
    shown = Outline(page.read_text()).text
    assert shown.index(said) < shown.index("Figures")
    assert "Over time" in shown
    told = json.loads((page.parent / "report.json").read_text())
    assert told["rehearsal"]["verdict"] == findings.verdict
    assert told["over_time"]["charts"]


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        (EQUAL, "Equal Every item was compared"),
        (DIFFERENT, "Different The rehearsal compared all at its end, and the tables differ. Verify by itself:"),
        (FAILED, "Failed The rehearsal failed, and says why below. Verify by itself: Equal."),
    ],
)
def test_the_header_is_of_the_rehearsal_and_not_of_verify_alone(tmp_path: Path, findings: Findings, said: str) -> None:
    document = write_page(tmp_path, deployed(RECORD), findings, []).read_text()
    assert said in Outline(document[document.index("<header>") : document.index("</header>") + 9]).text


def test_a_rehearsal_that_compared_equal_and_still_failed_says_why() -> None:
    wrong = replace(EQUAL, differences=Differences(3, 4, 3), left_behind=["the mapping m1"])
    shown = Outline(section(wrong)).text
    assert wrong.verdict == "failed"
    assert "Verify was wrong: 3 differences were planted, 4 found, 3 repaired, 1 invented." in shown
    assert "Left behind, though the migration has ended: the mapping m1" in shown


def test_a_migration_that_never_began_has_a_page_too(tmp_path: Path) -> None:
    shown = Outline(write_page(tmp_path, deployed(None), FAILED, []).read_text()).text
    assert "Not verified" in shown
    assert "Stalled: nothing moved for <120> s" in shown
    assert "Over time" not in shown


def test_each_migration_of_an_app_has_a_folder_for_each_bulk_load(tmp_path: Path) -> None:
    named = replace(EQUAL, migration="Shop/Orders", mode="large")
    assert write_page(tmp_path, deployed(RECORD), named, []).parent.name == "Shop-Orders-large"


def test_a_folder_that_takes_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "direct").write_text("")
    with pytest.raises(CommandFailed, match="cannot be written"):
        write_page(tmp_path, deployed(RECORD), EQUAL, [])


def test_what_a_rehearsal_cannot_show_is_there_to_be_unfolded() -> None:
    assert "What a rehearsal cannot show about AWS" in Outline(section(EQUAL)).text


def test_each_switch_has_its_figures() -> None:
    found = Findings("direct", 7, comparison=Comparison(10, 10), to="roll-back")
    found.cut_over = SwitchFigures("fenced", 90, 0, 1234, 8.5)
    found.roll_back = SwitchFigures("fenced", 30, 2, 5, 9.5)
    shown = Outline(f"<main>{section(found)}</main>").text
    for figure in ("Cut-over: fence", "8.5 s", "1,234", "Roll back: lost", "Roll back: fence", "9.5 s"):
        assert figure in shown
