"""The page as a browser shows it: on a desk and on a phone, light and dark, whole without a network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ddb_migration.core.verify_report import Difference
from ddb_migration_construct._runtime import report_page
from ddb_migration_construct.cli import charts
from tests.cli.browser import measured
from tests.core.test_report_page import EQUAL, ROUND, START, told, unequal

SPAN = 4000
PHASES = [
    {"name": "Settle", "began": START, "ended": START + 300},
    {"name": "ReadyToCutOver", "began": START + 300, "ended": None},
]
LONG = "a-name-that-has-no-place-where-it-may-be-broken-" * 4
DESK, PHONE = 1280, 390


def series(name: str, factor: float) -> dict[str, Any]:
    return {"name": name, "points": [(START + at, factor * (at % 700)) for at in range(0, SPAN, 60)]}


def chart(title: str, unit: str, *of: dict[str, Any], form: str = "line") -> dict[str, Any]:
    return {"title": title, "unit": unit, "form": form, "series": list(of)}


def report() -> dict[str, Any]:
    over_time = {
        "from": START,
        "to": START + SPAN,
        "every_seconds": 60,
        "source": "By CloudWatch.",
        "notes": [LONG],
        "charts": [
            chart("Lag", "s", series("lag", 1)),
            chart("Backlog", "messages", series("backlog", 123_456)),
            chart("Changes", "a second", series("captured", 2), series("applied", 1.5)),
            chart("Throttled calls", "", *(series(f"{LONG}{n}", 1) for n in range(3)), form="bars"),
        ],
    }
    differences = [Difference("different", {"pk": {"S": LONG}, "sk": {"N": "1" * 38}}, attributes=(LONG, "b"))]
    more = {"changed_keys": {"rounds": [ROUND], "stuck": [LONG]}, "gate": {"reasons": [LONG]}}
    return {**told(unequal(*differences), phases=PHASES, **more), "migration": LONG, "over_time": over_time}


def page(of: dict[str, Any]) -> str:
    return str(report_page.page(of, "", charts.section(of["over_time"], of["phases"]), charts.STYLE))


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_it_fits_is_read_and_needs_nothing(tmp_path: Path, width: int, dark: bool) -> None:
    found, asked = measured(page(report()), tmp_path, width=width, dark=dark)
    assert found["clientWidth"] == width
    assert found["scrollWidth"] <= width
    assert found["tooWide"] == []
    assert found["charts"] == 4
    assert min(found["heights"]) >= 90
    assert found["smallest"] >= 11
    assert set(asked) <= {"/", "/page", "/favicon.ico"}
    assert (luminance(found["card"]) < 0.2) is dark
    assert contrast(found["ink"], found["card"]) >= 7
    # WCAG 2.2, 1.4.3 and 1.4.11: text, and what is drawn.
    assert contrast(found["quiet"], found["card"]) >= 4.5
    assert found["lines"]
    assert all(contrast(line, found["card"]) >= 3 for line in found["lines"])


@pytest.mark.slow
def test_a_page_that_is_too_wide_would_be_seen(tmp_path: Path) -> None:
    wide = page({**told(EQUAL), "phases": [], "over_time": report()["over_time"]})
    found, _ = measured(wide.replace("<main>", '<main style="width:600px">'), tmp_path, width=PHONE)
    assert found["scrollWidth"] > PHONE


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("verdict", "is_red"), [("failed", True), ("different", True), ("equal", False)])
def test_the_header_of_a_rehearsal_that_did_not_end_well_is_red(
    tmp_path: Path, verdict: str, is_red: bool, dark: bool
) -> None:
    rehearsed = {**report(), **told(EQUAL), "rehearsal": {"verdict": verdict}, "gate": {"reasons": []}}
    found, _ = measured(page(rehearsed), tmp_path, width=DESK, dark=dark)
    red, green, _ = (int(part) for part in re.findall(r"\d+", found["verdict"])[:3])
    assert (red > green) is is_red


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
