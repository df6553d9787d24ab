"""Makes a failing run shorter: fewer writes, fewer kinds of faults, fewer strikes, as long as it still fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tests.simulation.run import played
from tests.simulation.scenario import Scenario, drawn

MOST_SECONDS = 60.0

Fails = Callable[[Scenario], bool]


def shrunk(scenario: Scenario, without: tuple[str, ...] = (), seconds: float = MOST_SECONDS) -> Scenario:
    """Return the shortest scenario found, within so many seconds of processor time, that still fails."""
    until = time.process_time() + seconds

    def fails(candidate: Scenario) -> bool:
        return time.process_time() < until and bool(played(candidate, without).findings)

    for _ in range(2):
        scenario = _fewer(scenario, _writes(scenario), _leave_out, fails)
        scenario = _fewer(scenario, sorted(scenario.on), _switch_off, fails)
        scenario = _fewer(scenario, played(scenario, without).struck, _leave_out, fails)
    return scenario


def _writes(scenario: Scenario) -> list[str]:
    return [write.name for burst in scenario.bursts for write in burst.writes]


def _leave_out(scenario: Scenario, names: Sequence[str]) -> Scenario:
    return drawn(scenario.seed, scenario.on, scenario.left_out | set(names), scenario.focused)


def _switch_off(scenario: Scenario, kinds: Sequence[str]) -> Scenario:
    return drawn(scenario.seed, scenario.on - set(kinds), scenario.left_out, scenario.focused)


def _fewer(
    scenario: Scenario, names: Sequence[str], less: Callable[[Scenario, Sequence[str]], Scenario], fails: Fails
) -> Scenario:
    """Do without halves, then quarters, and so on down to single ones."""
    left, size = list(names), max(1, len(names) // 2)
    while left:
        place = 0
        while place < len(left):
            candidate = less(scenario, left[place : place + size])
            if fails(candidate):
                scenario = candidate
                del left[place : place + size]
            else:
                place += size
        if size == 1:
            break
        size //= 2
    return scenario
