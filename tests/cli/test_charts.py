"""The charts of the page: what lies where, nothing that was not measured, every text escaped."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ddb_migration_construct.cli.charts import section
from tests.core.test_report_page import Outline

START = 1_790_000_000.0
PHASES = [
    {"name": "Settle", "began": START, "ended": START + 25},
    {"name": "Bulk load", "began": START + 25, "ended": None},
]


def over_time(*charts: dict[str, Any], to: float = START + 100) -> dict[str, Any]:
    told = {"from": START, "to": to, "every_seconds": 10.0}
    return {**told, "source": "By somebody.", "notes": [], "charts": list(charts)}


def chart(*series: dict[str, Any], form: str = "line", unit: str = "messages") -> dict[str, Any]:
    return {"title": "Backlog", "unit": unit, "form": form, "series": list(series)}


def series(name: str, *points: tuple[float, float | None]) -> dict[str, Any]:
    return {"name": name, "points": [(START + at, value) for at, value in points]}


def drawn(*charts: dict[str, Any], **more: Any) -> str:
    html = section(over_time(*charts, **more), PHASES)
    Outline(html)
    return html


def paths(html: str, kind: str) -> list[str]:
    return re.findall(rf'<path class="{kind} c\d" d="([^"]*)"/>', html)


def test_nobody_looked() -> None:
    assert section(None, PHASES) == ""


def test_a_line_goes_from_left_to_right_and_from_nothing_to_the_top() -> None:
    html = drawn(chart(series("backlog", (0, 0), (50, 1000), (100, 500))))
    assert paths(html, "line") == ["M0.0 99.0L500.0 1.0L1000.0 50.0"]
    assert "at most <b>1,000 messages</b>" in html
    assert "<span>1,000</span><span>500</span><span>0</span>" in html


def test_what_is_not_known_is_a_gap_and_a_point_alone_can_be_seen() -> None:
    html = drawn(chart(series("lag", (0, 1), (10, None), (20, 1), (30, 1), (40, None)), unit="s"))
    assert paths(html, "line") == ["M0.0 1.0h2 M200.0 1.0L300.0 1.0"]


def test_counts_are_bars_as_wide_as_their_time_and_stand_on_each_other() -> None:
    html = drawn(chart(series("a", (0, 1), (50, 0)), series("b", (0, 4), (90, 5)), form="bars", unit=""))
    assert paths(html, "bar") == ["M0.0 100V1.0h80.0V100zM900.0 100V1.0h80.0V100z"]
    assert "a <b>1</b>" in html
    assert "b <b>9</b>" in html


def test_several_lines_have_a_key_and_one_has_none() -> None:
    both = drawn(chart(series("captured", (0, 1)), series("applied", (0, 2))))
    assert both.count('<i class="key') == 2
    assert '<i class="key' not in drawn(chart(series("captured", (0, 1))))


@pytest.mark.parametrize("points", [(), ((0, 0), (1, 0)), ((0, None),)])
def test_where_nothing_happened_it_says_so_and_draws_nothing(points: tuple[tuple[float, float | None], ...]) -> None:
    html = drawn(chart(series("backlog", *points)))
    assert "none" in Outline(html).text
    assert "<svg" not in html


@pytest.mark.parametrize(
    ("most", "unit", "top"),
    [
        (0.3, "", "0.5"),
        (1, "", "1"),
        (9, "", "10"),
        (1905, "", "2,000"),
        (999_999, "", "1,000,000"),
        (52, "s", "1 min"),
        (3700, "s", "2 h"),
        (50_000, "s", "1 d"),
        (6 * 86_400, "s", "10 d"),
    ],
)
def test_a_scale_ends_at_a_number_that_people_count_in(most: float, unit: str, top: str) -> None:
    assert f"<span>{top}</span>" in drawn(chart(series("one", (0, most)), unit=unit))


def test_phases_stand_over_the_charts_where_they_were() -> None:
    html = drawn(chart(series("backlog", (0, 1))))
    assert '<span title="Settle" style="left:0.00%;width:25.00%">Settle</span>' in html
    assert '<span title="Bulk load" style="left:25.00%;width:75.00%">Bulk load</span>' in html
    assert '<path class="edge" d="M250.0 0V100"/>' in html


@pytest.mark.parametrize(
    ("seconds", "last"), [(100, "14:15:00"), (7200, "16:13"), (3 * 86_400, "Sep 24 14:13")], ids=["s", "h", "d"]
)
def test_times_are_as_exact_as_the_time_is_short(seconds: float, last: str) -> None:
    assert f"<span>{last}</span></p>" in drawn(chart(series("backlog", (0, 1))), to=START + seconds)


def test_names_and_notes_are_texts() -> None:
    told = over_time(chart(series("<b>", (0, 1)), series("&", (0, 2))))
    html = section({**told, "notes": ["<script>"], "source": "<i>"}, [{**PHASES[0], "name": '"><p>'}])
    outline = Outline(html)
    assert "script" not in outline.tags
    assert "<script>" in outline.text
    assert '"><p>' in outline.text
