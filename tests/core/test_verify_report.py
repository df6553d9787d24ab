from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ddb_migration.core.verify_report import (
    DIFFERENT,
    EQUAL,
    UNEQUAL,
    Difference,
    Found,
    Generation,
    NotAReport,
    Repairs,
    Segment,
    TableCount,
    VerifyReport,
    report_key,
)

SEGMENTS = (Segment(0, 1, 3, 3, "0f", "0f"), Segment(2, 2, 1, 2, "01", "03"))
DIFFERENCE = Difference(DIFFERENT, {"pk": {"S": "a"}}, ("n", "yes"), "7".zfill(40))
REPORT = VerifyReport(
    epoch="e",
    pass_id="1",
    stream_arn="stream",
    began_at=10.0,
    ended_at=20.0,
    source=TableCount("source", 4, 2.5),
    destination=TableCount("destination", 5, 3.0),
    segments_planned=3,
    segments=SEGMENTS,
    found=Found(agreed=2, different=1),
    generations=(Generation(12.0, 3, 2, 1, 0.5), Generation(14.0, 1, 0, 1, None)),
    differences=(DIFFERENCE,),
    in_motion=({"pk": {"S": "b"}},),
)
CLEAN = replace(REPORT, found=Found(agreed=2), differences=())


def test_a_report_is_read_as_it_was_written() -> None:
    assert VerifyReport.from_text(REPORT.to_text()) == REPORT
    told = json.loads(REPORT.to_text())
    assert (told["verdict"], told["is_whole"], told["is_clean"]) == (UNEQUAL, True, False)
    assert told["differences"][0]["attributes"] == ["n", "yes"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', json.dumps({"version": 1, "epoch": "e"})])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(NotAReport):
        VerifyReport.from_text(text)


def test_only_a_whole_pass_without_differences_is_clean() -> None:
    assert (CLEAN.verdict, CLEAN.is_clean) == (EQUAL, True)
    assert not REPORT.is_clean
    assert not replace(CLEAN, sampled=0.01).is_clean
    assert not replace(CLEAN, segments=SEGMENTS[:1]).is_clean
    assert not replace(CLEAN, found=Found(unchecked=1)).is_clean
    assert replace(CLEAN, found=Found(agreed=9, expired=3, in_motion=2)).is_clean


def test_repair_takes_differences_away_and_keeps_what_was_found() -> None:
    repaired = REPORT.repaired(Repairs(sent=1, repaired=1, ended_at=30.0), ())
    assert repaired.is_clean
    assert repaired.found.different == 1
    assert not REPORT.repaired(Repairs(sent=1), REPORT.differences).is_clean


def test_segments_join_into_one_with_the_digest_of_both() -> None:
    assert SEGMENTS[0].joined(SEGMENTS[1]) == Segment(0, 2, 4, 5, "0e", "0c")


def test_reports_of_passes_lie_apart() -> None:
    assert report_key("e", "1") == "verify/e/1/report.json"
