"""Migrations with every fault at once: nothing is lost, nothing is stale, nothing comes back from the dead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.simulation.__main__ import main
from tests.simulation.faults import BACK_PREMISES, CUT_OVERS, KINDS, ROLL_BACKS, chosen
from tests.simulation.many import simulated
from tests.simulation.run import run
from tests.simulation.scenario import drawn
from tests.simulation.shrinking import shrunk
from tests.simulation.timeline import timeline

CHECKOUT = Path(__file__).parents[2]
ALL = chosen(None)
# What each of them found is mended; the story that a seed tells changes with the mix of faults.
FAILED_ONCE = ("2002475", "2006739", "2008367", "2008776", "2011595", "2012308", "2013666", "2015850", "2017037")


# Two idle cores play so many in less time than that; cores that do other things too play fewer, and at least those.
QUICK_RUNS, QUICK_SECONDS, FEWEST_RUNS = 3_000, 110.0, 300
LONG_RUNS, LONG_SECONDS = 50_000, 7_200.0


def require_all_well(report: Mapping[str, Any]) -> None:
    assert not report["findings"], report["failing"]
    kinds = [kind for kind, count in report["faults"].items() if count]
    assert len(kinds) >= 20
    assert sorted(kinds) == sorted(KINDS)


@pytest.mark.timeout(600)
def test_no_run_diverges() -> None:
    report = simulated(QUICK_RUNS, 0, ALL, processes=2, seconds=QUICK_SECONDS)
    assert report["runs"] >= FEWEST_RUNS
    require_all_well(report)


@pytest.mark.parametrize("seed", FAILED_ONCE)
def test_a_seed_that_failed_once(seed: str) -> None:
    assert not run(seed, ALL).findings


@pytest.mark.slow
@pytest.mark.timeout(10_800)
def test_no_run_of_many_diverges() -> None:
    require_all_well(simulated(LONG_RUNS, 1_000_000, ALL, processes=2, seconds=LONG_SECONDS))


def test_a_cut_over_loses_no_write() -> None:
    """The fence seen late, taken away by a deployment, a shard held back, messages sent once more, no fence at all."""
    report = simulated(60, 0, frozenset(CUT_OVERS))
    assert not report["findings"], report["failing"]
    assert all(report["faults"].values())


def test_a_roll_back_loses_no_write() -> None:
    """Stragglers, both fences taken away, shards held back, dead letters, storms over the source, the stack deleted."""
    report = simulated(25, 0, frozenset(ROLL_BACKS))
    assert not report["findings"], report["failing"]
    assert all(report["faults"].values())


@pytest.mark.parametrize("kind", sorted(BACK_PREMISES))
def test_a_broken_way_back_is_told_and_never_silent(kind: str) -> None:
    report = simulated(6, 10, frozenset({kind}))
    assert not report["findings"], report["failing"]
    assert report["faults"][kind]
    assert report["refusals"]["roll-back"]


def test_apply_is_on_after_each_cut_over_that_is_given_up() -> None:
    """Also where Lambda takes minutes to disable the mapping, and the cut-over turns back meanwhile."""
    report = simulated(20, 0, chosen(("slow-mapping", "shard-held-back", "slow-call", "stall")))
    assert not report["findings"], report["failing"]
    assert report["faults"]["slow-mapping"]


def test_crashes_that_end_execution_after_execution_come_to_an_end() -> None:
    """Of this run they end more than forty, in its window alone: one call in twenty crashes."""
    outcome = run("596", chosen(("crash-after", "source-storm", "straggler")))
    assert not outcome.findings
    assert outcome.refusals["Runtime.ExitError"] > 40


def test_without_faults_nothing_is_refused() -> None:
    report = simulated(20, 0, frozenset())
    assert not report["findings"]
    assert not report["refusals"].get("total")


@pytest.mark.parametrize("kind", ["stream-replaced", "stream-gap", "capture-gap", "capture-failing", "change-expired"])
def test_a_broken_premise_is_refused_and_never_silent(kind: str) -> None:
    report = simulated(20, 0, frozenset({kind}))
    assert not report["findings"]
    assert report["faults"][kind]
    assert report["refusals"]["total"]


def told_by(seed: str, hash_seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    script = (
        "from tests.simulation.__main__ import *; from tests.simulation.run import run; "
        f"o = run({seed!r}, chosen(None)); print(o.events, o.days, o.struck)"
    )
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, check=True, capture_output=True, text=True).stdout


def test_one_seed_decides_everything() -> None:
    assert told_by("12", "1") == told_by("12", "2")


def test_a_run_leaves_nothing_behind() -> None:
    first, again = run("5", ALL), run("5", ALL)
    run("6", ALL, ("watermark",))
    third = run("5", ALL)
    assert first.struck == again.struck == third.struck
    assert first.events == again.events == third.events


def test_a_failing_run_is_made_shorter_and_told() -> None:
    without = ("deduplication-number",)
    seed = next(str(number) for number in range(20) if run(str(number), ALL, without).findings)
    scenario = drawn(seed, ALL)
    short = shrunk(scenario, without, seconds=15.0)
    lines = timeline(short, without)
    assert lines[-1].startswith("FOUND: ")
    assert sum(len(burst.writes) for burst in short.bursts) < sum(len(burst.writes) for burst in scenario.bursts) / 2
    assert len(short.on) < len(KINDS)


def test_the_command_line_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    assert main(["--runs", "3", "--seed", "40", "--faults", "shard-split,slow-call", "--json", str(report)]) == 0
    told = json.loads(report.read_text())
    assert told["runs"] == 3
    assert told["divergences"] == 0
    assert set(told["faults"]) == {"shard-split", "slow-call"}
    assert "3 runs, 0 divergences" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--faults", "--without"])
def test_an_unknown_name_is_refused(option: str) -> None:
    with pytest.raises(ValueError, match="is called nonsense"):
        main(["--runs", "1", option, "nonsense"])
