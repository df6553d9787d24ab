"""Whole rehearsals through the command line: small and equal, and both planted faults seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ddb_migration_construct.cli.main import app

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(400)]


def rehearse(report: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Run a rehearsal and return its exit code, report and output."""
    result = CliRunner().invoke(app, ["rehearse", "--json", str(report), *options])
    assert report.is_file(), result.output
    return result.exit_code, json.loads(report.read_text()), result.output


def test_a_small_rehearsal_ends_equal(tmp_path: Path) -> None:
    options = ("--items", "300", "--report", str(tmp_path))
    exit_code, report, output = rehearse(tmp_path / "report.json", *options)
    assert (exit_code, report["verdict"]) == (0, "equal"), output
    over_time = json.loads((tmp_path / "direct" / "report.json").read_text())["over_time"]
    assert {"Lag", "Backlog", "Changes", "Bulk load"} <= {chart["title"] for chart in over_time["charts"]}
    assert "Over time" in (tmp_path / "direct" / "report.html").read_text()
    assert report["source_items"] == report["destination_items"] > 0
    assert report["writes"] > 0
    assert report["applied"] > 0
    assert report["parked"] == 0
    assert report["notes"] == []


def verified(report: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(report[f"differences_{name}"] for name in ("planted", "found", "repaired"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_no_difference_is_invented_while_writers_write(tmp_path: Path, seed: int) -> None:
    options = ("--items", "500", "--writes-per-second", "40", "--seed", str(seed))
    exit_code, report, output = rehearse(tmp_path / "report.json", *options)
    assert (exit_code, verified(report), report["false_differences"]) == (0, (0, 0, 0), 0), output


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_planted_difference_is_found_and_repaired(tmp_path: Path) -> None:
    options = ("--items", "20000", "--writes-per-second", "40", "--plant-differences", "10")
    exit_code, report, output = rehearse(tmp_path / "report.json", *options)
    assert (exit_code, report["verdict"]) == (0, "equal"), output
    # Two of the ten kinds are other ways of writing the same.
    assert verified(report) == (8, 8, 8)
    assert (report["false_differences"], report["verified_again"]) == (0, "equal")


@pytest.mark.slow
def test_both_modes_end_equal_with_heavy_faults(tmp_path: Path) -> None:
    options = ("--items", "300", "--mode", "both", "--faults", "heavy")
    exit_code, report, output = rehearse(tmp_path / "report.json", *options)
    assert (exit_code, report["verdict"]) == (0, "equal"), output
    assert [one["mode"] for one in report["rehearsals"]] == ["direct", "large"]
    for one in report["rehearsals"]:
        assert {"UnprocessedItems", "ThrottlingException", "invocation failed", "invocation timed out"} <= set(
            one["faults"]
        )
    assert output.count("  injected: ") == 2


@pytest.mark.slow
@pytest.mark.parametrize("key", ["b", "n", "bs", "nb"])
def test_every_kind_of_key_ends_equal(tmp_path: Path, key: str) -> None:
    exit_code, report, output = rehearse(tmp_path / "report.json", "--items", "200", "--key", key)
    assert (exit_code, report["verdict"]) == (0, "equal"), output


@pytest.mark.parametrize("fault", ["random-group", "acknowledge-unwritten"])
def test_a_planted_fault_is_seen(tmp_path: Path, fault: str) -> None:
    exit_code, report, output = rehearse(tmp_path / "report.json", "--items", "300", "--plant", fault)
    # Verify finds and repairs what was done wrong before it; what was done wrong after it is still there.
    assert exit_code == 1, output
    assert report["verdict"] in ("different", "failed")
    assert report["missing"] + report["extra"] + report["different"] + report["false_differences"] > 0


@pytest.mark.slow
def test_a_fenced_cut_over_under_live_writes_loses_nothing_and_completes(tmp_path: Path) -> None:
    exit_code, report, output = rehearse(tmp_path / "report.json", "--items", "200", "--to", "complete")
    assert (exit_code, report["verdict"], report["lost"]) == (0, "equal", 0), output
    assert report["refused_during_fence"] > 0
    assert report["fence_seconds"] > 0
    assert report["left_behind"] == []


def require_rolled_back(exit_code: int, report: dict[str, Any], output: str, writes: int) -> None:
    assert (exit_code, report["verdict"], report["lost"]) == (0, "equal", 0), output
    assert report["rolled_back"] is True
    back = report["roll_back"]
    assert (back["lost"], report["missing"], report["extra"], report["different"]) == (0, 0, 0, 0)
    assert back["writes"] >= writes
    assert back["refused_during_fence"] > 0
    assert back["fence_seconds"] > 0
    assert report["left_behind"] == []


@pytest.mark.slow
def test_a_roll_back_under_live_writes_loses_nothing_and_completes(tmp_path: Path) -> None:
    options = ("--items", "200", "--to", "roll-back")
    require_rolled_back(*rehearse(tmp_path / "report.json", *options), writes=200)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_roll_back_after_two_thousand_writes_to_the_destination_loses_nothing(tmp_path: Path) -> None:
    options = ("--items", "2000", "--writes-per-second", "40", "--to", "roll-back")
    require_rolled_back(*rehearse(tmp_path / "report.json", *options), writes=2000)


@pytest.mark.slow
def test_an_abort_of_a_migration_that_is_ready_leaves_nothing(tmp_path: Path) -> None:
    exit_code, report, output = rehearse(tmp_path / "report.json", "--items", "200", "--to", "abort")
    assert (exit_code, report["verdict"], report["left_behind"]) == (0, "equal", []), output
    assert report["lost"] is None
