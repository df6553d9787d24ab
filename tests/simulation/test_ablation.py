"""Each guard serves: without it, or without it and those that mask it, a migration goes wrong, and is seen to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.simulation.ablation import ALONE, COST, MOST_RUNS, SECOND_LINES, TOGETHER, Set, looked_for, shown
from tests.simulation.faults import chosen
from tests.simulation.guards import GUARDS
from tests.simulation.many import simulated

DOCUMENT = Path(__file__).parents[2] / "docs" / "guarantees.md"
# The guard or guards, their oracle, what masks them, and after how many runs they were found.
ROWS = {
    name: (oracle, masked_by + " " + found)
    for name, oracle, masked_by, found in re.findall(
        r"^\| `([a-z-]+)` \| [^|]+ \| ([a-z ]+) \|([^|]*)\|([^|]+)\|$", DOCUMENT.read_text(), re.M
    )
}
SOON = (
    "trim-horizon",
    "keep-expired",
    "deduplication-number",
    "padding",
    "message-epoch",
    "visibility",
    "size",
    "park",
    "unpark",
    "stream-arn",
    "deduplication-epoch",
    "looks",
    "consistent-reread",
    "gate-verified",
    "fence",
    "silent-apply",
    "lift-last",
    "fence-exemption",
)
SOON_TOGETHER = (
    "coalescing+one-per-batch+watermark",
    "complete-load+job-success",
    "stream-gap+looks",
    "silent-capture+stop-apply",
    "reverse-barrier+stand-by",
)


@pytest.mark.parametrize("name", SOON)
def test_a_guard_that_is_missed_at_once(name: str) -> None:
    one = next(one for one in ALONE if one.name == name)
    assert looked_for(one, most=150).finding


@pytest.mark.parametrize("name", SOON_TOGETHER)
def test_guards_that_are_missed_together_at_once(name: str) -> None:
    one = next(one for one in TOGETHER if one.name == name)
    assert looked_for(one, most=150).finding


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("one", [*ALONE, *TOGETHER], ids=lambda one: one.name)
def test_every_set_is_found(one: Set) -> None:
    assert looked_for(one, MOST_RUNS).finding


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("faults", sorted({one.faults for one in (*ALONE, *TOGETHER)}), ids="+".join)
def test_with_every_guard_in_place_the_same_faults_show_nothing(faults: tuple[str, ...]) -> None:
    report = simulated(200, 0, chosen(faults or None))
    assert not report["findings"], report["failing"]


def test_every_guard_is_looked_for() -> None:
    missed = {guard for one in (*ALONE, *TOGETHER) for guard in one.guards}
    assert missed | {*COST, *SECOND_LINES} == set(GUARDS)
    assert not missed & {*COST, *SECOND_LINES}


def test_every_guard_is_in_the_document_with_its_oracle() -> None:
    oracles = {name: guard.oracle for name, guard in GUARDS.items()}
    assert {name: oracle for name, (oracle, _) in ROWS.items()} == oracles
    assert {name for name, oracle in oracles.items() if oracle == "cost"} == set(COST)
    assert {name for name, oracle in oracles.items() if oracle == "second line"} == set(SECOND_LINES)


@pytest.mark.parametrize("one", ALONE, ids=lambda one: one.name)
def test_the_document_tells_after_how_many_runs_a_guard_was_missed(one: Set) -> None:
    assert re.search(r"alone, [\d,]+", ROWS[one.name][1])


@pytest.mark.parametrize("one", TOGETHER, ids=lambda one: one.name)
def test_the_document_tells_which_guards_mask_each_other(one: Set) -> None:
    for guard in one.guards:
        told = ROWS[guard][1]
        others = {f"`{other}`" for other in one.guards if other != guard}
        is_alone = re.search(r"alone, [\d,]+", told)
        assert is_alone or (others <= set(re.findall(r"`[a-z-]+`", told)) and re.search(r", [\d,]+", told))


def test_a_finding_counts_that_the_named_oracle_made() -> None:
    one = Set(("watermark",), shown_by=("is stale", "is missing"))
    assert shown(one, ["stuck: no rest", "('customer-1', '0') is missing: source A"]) == (
        "('customer-1', '0') is missing: source A"
    )
    assert shown(one, ["stuck: no rest"]) is None
    assert shown(one, []) is None


def test_a_run_counts_for_nothing_in_which_the_code_broke() -> None:
    broken = "a function ended with TypeError: raise_to() takes 3 positional arguments"
    assert shown(Set(("watermark",)), [broken, "('customer-1', '0') is stale: source A"]) is None
    assert shown(Set(("watermark",)), ["('customer-1', '0') is stale: source A", broken]) is None


def test_guards_that_do_not_need_each_other_are_not_found_together() -> None:
    """`padding` alone does the harm, so the run says nothing of `return-later`."""
    assert looked_for(Set(("padding",)), most=5).finding
    assert looked_for(Set(("padding", "return-later")), most=5).finding is None
