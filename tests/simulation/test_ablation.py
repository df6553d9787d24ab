"""Each guard serves: without it, or without it and those that mask it, a migration goes wrong, and is seen to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.simulation.ablation import ALONE, COST, MOST_RUNS, TOGETHER, Set, looked_for
from tests.simulation.guards import GUARDS

DOCUMENT = Path(__file__).parents[2] / "docs" / "guarantees.md"
SOON = (
    "keep-expired",
    "deduplication-number",
    "padding",
    "park",
    "group",
    "stream-arn",
    "checkpoint-after",
    "deduplication-epoch",
    "fence",
    "silent-apply",
    "lift-last",
)


@pytest.mark.parametrize("name", SOON)
def test_a_guard_that_is_missed_at_once(name: str) -> None:
    one = next(one for one in ALONE if one.name == name)
    assert looked_for(one, most=150).finding


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("one", [*ALONE, *TOGETHER], ids=lambda one: one.name)
def test_every_set_is_found(one: Set) -> None:
    assert looked_for(one, MOST_RUNS).finding


def test_every_guard_is_looked_for() -> None:
    missed = {guard for one in (*ALONE, *TOGETHER) for guard in one.guards}
    assert missed | set(COST) == set(GUARDS)
    assert not missed & set(COST)


def test_every_guard_is_in_the_document() -> None:
    told = set(re.findall(r"^\| `([a-z-]+)` \|", DOCUMENT.read_text(), re.M))
    assert told == set(GUARDS)
