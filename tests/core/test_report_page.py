"""The report's page: whole by itself, nothing in it that the report does not say, every text escaped."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddb_migration.core.report_page import MOST_ROUNDS, MOST_ROWS, page
from ddb_migration.core.verify_report import (
    Difference,
    Found,
    Generation,
    Repairs,
    Segment,
    TableCount,
    VerifyReport,
)

START = 1_790_000_000.0
VOID = {"meta", "!doctype"}
EQUAL = VerifyReport(
    epoch="e1",
    pass_id="1",
    stream_arn="arn:stream",
    began_at=START,
    ended_at=START + 312,
    source=TableCount("arn:aws:dynamodb:eu-west-1:1:table/old", 20_013, 40_123.5),
    destination=TableCount("arn:aws:dynamodb:eu-west-1:1:table/new", 20_013, 40_000.0),
    segments_planned=2,
    segments=(Segment(0, 0, 10_000, 10_000, "0a" * 16, "0a" * 16), Segment(1, 1, 10_013, 10_013, "0b" * 16, "0c" * 16)),
    found=Found(agreed=38, in_motion=1),
    generations=(Generation(START + 300, 39, 38, 0, None),),
)
ROUND = {"number": 1, "since": START, "began": START, "keys": 5, "seconds": 0.5}
ROUND.update({"differences": 0, "rereads": 0, "moving": 0, "stuck": 0})


class Outline(HTMLParser):
    """Checks that tags are closed in order, and keeps the texts and attributes."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.tags: set[str] = set()
        self.feed(document)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def told(report: VerifyReport, **more: Any) -> dict[str, Any]:
    return {"migration": "Migrations/Orders", **more, "verify": json.loads(report.to_text())}


def unequal(*differences: Difference) -> VerifyReport:
    found = Found(missing=len(differences))
    return replace(EQUAL, found=found, differences=differences)


@pytest.mark.parametrize(
    ("report", "word"),
    [
        (EQUAL, "Equal Every item was compared in both directions: 20,013 items, no difference."),
        (replace(EQUAL, sampled=0.01), "Sample equal Only 1.00% of the keys were compared"),
        (replace(EQUAL, segments_planned=3), "Not whole Some segments were not compared"),
        (unequal(Difference("missing", {"pk": {"S": "a"}})), "Different 1 key of 20,013 items differ."),
        (replace(EQUAL, found=Found(missing=3), repairs=Repairs(3, 3, START)), "Equal Every item"),
        (
            replace(EQUAL, found=Found(accepted=2, parked=1)),
            "Equal but for listed keys Every item was compared in both",
        ),
        (replace(EQUAL, found=Found(missing=3), repairs=Repairs(3, 2, START, 1)), "Equal but for listed keys Every"),
        (replace(EQUAL, found=Found(unchecked=7)), "Not known 7 keys were too many to be looked at again."),
        (replace(EQUAL, found=Found(missing=3), repairs=Repairs(3, 1, START)), "Different 2 keys"),
    ],
)
def test_the_verdict_is_the_first_thing_said(report: VerifyReport, word: str) -> None:
    assert word in Outline(page(told(report))).text


def header(**report: Any) -> tuple[str, str]:
    """What the header says, and in which colour."""
    found = re.search(r'<p class="verdict (\w+)">(.*?)</p>', page(told(**{"report": EQUAL, **report})))
    assert found is not None
    return found[1], Outline(f"<p>{found[2]}</p>").text


DIFFERENT = unequal(Difference("missing", {"pk": {"S": "a"}}))
LATE = {"keys": 1, "changes": 2, "last_at": START, "listed": [{"key": "k", "changes": 2, "last_at": START}]}
NOT_LATE: dict[str, Any] = {"keys": 0, "changes": 0, "last_at": None, "listed": []}


def way_back(late: dict[str, Any]) -> dict[str, Any]:
    more = dict.fromkeys(("refused", "incomplete", "gate"))
    return {"until": START, "rolled_back_at": START, **more, "changed_keys": {"rounds": [], "stuck": []}, **late}


@pytest.mark.parametrize(
    ("report", "colour", "said"),
    [
        ({}, "good", "Equal Every item"),
        ({"rehearsal": {"verdict": "equal"}}, "good", "Equal Every item"),
        (
            {"rehearsal": {"verdict": "failed"}},
            "bad",
            "Failed The rehearsal failed, and says why below. Verify by itself: Equal.",
        ),
        ({"rehearsal": {"verdict": "different"}}, "bad", "Different The rehearsal compared all at its end"),
        ({"rehearsal": {"verdict": "equal"}, "report": DIFFERENT}, "bad", "Different 1 key"),
        ({"gate": {"reasons": []}, "late_changes": NOT_LATE}, "good", "Equal Every item"),
        ({"gate": {"reasons": ["1 key is parked"]}}, "open", "Equal, but the gate is closed Every item"),
        ({"gate": {"reasons": ["1 key is parked"]}, "report": DIFFERENT}, "bad", "Different 1 key"),
        (
            {"late_changes": LATE, "cut_over_form": "fenced", "gate": {"reasons": ["x"]}},
            "bad",
            "Late writes The source was given 2 changes after the cut-over. They were not copied, see below. "
            "Verify had found: Equal.",
        ),
        ({"late_changes": LATE, "cut_over_form": "unfenced"}, "open", "Late writes The source was given 2 changes"),
        ({"way_back": way_back({"late_changes": LATE})}, "bad", "Late writes The destination was given 2 changes"),
        ({"way_back": way_back({"late_changes": NOT_LATE})}, "good", "Equal Every item"),
    ],
)
def test_the_header_says_what_is_true_of_the_whole_run(report: dict[str, Any], colour: str, said: str) -> None:
    found = header(**report)
    assert found[0] == colour
    assert found[1].startswith(said)


def test_before_any_verify_it_says_so() -> None:
    shown = Outline(page({"migration": "Migrations/Orders", "epoch": "e1", "verify": None})).text
    assert "Not verified No verify pass of this epoch has ended yet." in shown
    assert "Figures" not in shown


def test_the_gate_is_open_or_says_why_not() -> None:
    assert "Gate Open The migration may cut over." in Outline(page(told(EQUAL, gate={"reasons": []}))).text
    sample = {"pass": "p7", "share": 0.01, "by": "arn:aws:sts::1:assumed-role/Ops/ann", "at": START}
    named = Outline(page(told(EQUAL, gate={"reasons": [], "accepted_sample": sample}))).text
    assert "Opened on a sample of 1.00% of the keys (verify pass p7), accepted by arn:aws:sts::1:" in named
    assert "assumed-role/Ops/ann at 20" in named
    reasons = ["1 key is parked; run ddb-migration reread --parked", "changes may be missing"]
    closed = page(told(EQUAL, gate={"reasons": reasons}))
    assert "Closed 2 reasons. 1 key is parked" in Outline(closed).text
    assert '<code class="command">ddb-migration reread --parked</code>' in closed
    assert "Gate" not in Outline(page(told(EQUAL))).text
    phases = [{"name": "CutOver", "began": START, "ended": START + 9}]
    assert (
        "Gate Open It was open when the migration cut over."
        in Outline(page(told(EQUAL, gate={"reasons": []}, phases=phases))).text
    )


def test_the_figures_are_those_of_the_report() -> None:
    shown = Outline(page(told(EQUAL, lag_seconds=None, incomplete="a change expired"))).text
    for figure in ("20,013", "40,124", "5 min 12 s", "not known", "a change expired"):
        assert figure in shown


def test_phases_have_their_times_and_the_last_goes_on() -> None:
    phases = [
        {"name": "Drain", "began": START, "ended": START + 420},
        {"name": "ReadyToCutOver", "began": START + 420, "ended": None},
        {"name": "CutOver", "began": None, "ended": None},
    ]
    shown = page(told(EQUAL, phases=phases, written_at=START + 840))
    assert "7 min 0 s" in shown
    assert "goes on" in shown
    assert "margin-left:50.00%;width:50.00%" in shown
    assert "CutOver" not in Outline(shown).text.replace("ReadyToCutOver", "")


def test_a_long_list_is_cut_and_says_so() -> None:
    many = [Difference("missing", {"pk": {"S": f"key {place}"}}) for place in range(MOST_ROWS + 3)]
    rounds = [{**ROUND, "number": place} for place in range(MOST_ROUNDS + 2)]
    shown = Outline(page(told(unequal(*many), changed_keys={"rounds": rounds, "stuck": []}))).text
    assert "3 more are in report.json." in shown
    assert "14 rounds: 70 keys compared, 0 differences found. The newest 12 are shown." in shown


def test_keys_that_stay_different_are_listed() -> None:
    shown = Outline(page(told(EQUAL, changed_keys={"rounds": [ROUND], "stuck": ['[["pk","S","o-9"]]']}))).text
    assert 'changed key [["pk","S","o-9"]]' in shown


LATE_ROW = {"key": '[["pk","S","o-9"]]', "changes": 2, "last_at": START}
LATE = {"keys": 1, "changes": 2, "last_at": START, "listed": [LATE_ROW]}


def test_late_writes_are_listed_with_what_became_of_them() -> None:
    shown = Outline(page(told(EQUAL, late_changes=LATE, cut_over_form="unfenced"))).text
    assert "Late source writes 2 changes of 1 key. Until the migration is completed they are copied, and win" in shown
    assert '[["pk","S","o-9"]]' in shown
    assert "They were not copied" in Outline(page(told(EQUAL, late_changes=LATE, cut_over_form="fenced"))).text


def test_without_a_fence_late_writes_are_warned_of_before_there_are_any() -> None:
    none: dict[str, Any] = {"keys": 0, "changes": 0, "last_at": None, "listed": []}
    warned = Outline(page(told(EQUAL, late_changes=none, cut_over_form="unfenced"))).text
    assert "None so far. Until the migration is completed they are copied, and win" in warned
    for form in ("fenced", None):
        assert "Late" not in Outline(page(told(EQUAL, late_changes=none, cut_over_form=form))).text


def test_it_asks_the_network_for_nothing() -> None:
    difference = Difference("different", {"pk": {"S": "http://example.org"}}, ("https://example.org",))
    shown = page(told(unequal(difference), gate={"reasons": ["x"]}, changed_keys={"rounds": [ROUND]}))
    outline = Outline(shown)
    assert outline.tags.isdisjoint({"script", "link", "img", "iframe", "object", "a", "form"})
    assert not {name for name, _ in outline.attributes} & {"src", "href", "action", "srcset"}
    style = re.search("<style>(.*?)</style>", shown, re.S)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "default-src 'none'" in shown


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style>", "&lt;", "\u202e", "{0}", "{title}"]
)


@given(name=HOSTILE, attribute=HOSTILE, key=HOSTILE, reason=HOSTILE)
def test_no_text_becomes_markup(name: str, attribute: str, key: str, reason: str) -> None:
    report = unequal(Difference("different", {"pk": {"S": key}}, (attribute,)))
    plain = unequal(Difference("different", {"pk": {"S": "a"}}, ("b",)))
    hostile = page({**told(report), "migration": name, "gate": {"reasons": [reason]}, "incomplete": reason})
    harmless = page({**told(plain), "migration": "a", "gate": {"reasons": ["b"]}, "incomplete": "c"})
    known = Outline(harmless)
    found = Outline(hostile)
    assert found.tags <= known.tags
    assert {attribute for attribute, _ in found.attributes} <= {attribute for attribute, _ in known.attributes}


def test_text_that_turns_its_direction_is_shown_as_what_it_is() -> None:
    shown = page(told(unequal(Difference("different", {"pk": {"S": "\u202eevil"}}, ("\u202ename",)))))
    assert "\u202e" not in shown
    assert "\\u202eevil" in shown


WAY_BACK: dict[str, Any] = {
    "until": 1_790_090_000.0,
    "rolled_back_at": None,
    "refused": None,
    "incomplete": None,
    "gate": None,
    "changed_keys": {"rounds": [], "stuck": []},
}


def test_a_window_says_until_when_the_application_can_be_switched_back() -> None:
    shown = Outline(page(told(EQUAL, way_back=WAY_BACK))).text
    assert "The application can be switched back until 2026-09-22 15:13:20 UTC" in shown
    assert "Way back" not in page(told(EQUAL))


def test_what_came_of_a_roll_back_is_told_and_what_stands_against_one() -> None:
    told_of = {"gate": {"reasons": ["3 <keys> are parked"]}, "changed_keys": {"rounds": [ROUND], "stuck": ["a key"]}}
    back = {**WAY_BACK, **told_of, "rolled_back_at": 1_790_000_900.0, "refused": "it took <too> long"}
    shown = Outline(page(told(EQUAL, way_back=back))).text
    assert "Rolled back at 2026-09-21 14:28:20 UTC: the source is the table" in shown
    assert "It took <too> long" in shown
    assert "Closed now: 3 <keys> are parked" in shown
    assert "Stays different: a key" in shown
    assert "5 keys compared that the application changed after the cut-over" in shown
