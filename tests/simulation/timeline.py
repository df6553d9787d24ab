"""The story of one run, as lines that a person can read."""

from __future__ import annotations

from tests.simulation.run import played
from tests.simulation.scenario import Scenario
from tests.simulation.world import START

ABOUT_ITEMS = ("source", "destination", "queue", "reread", "redrive")
MOST_LINES = 120


def timeline(scenario: Scenario, without: tuple[str, ...] = ()) -> list[str]:
    """Play a scenario again and tell what happened; of the items only those that ended wrong."""
    told: list[tuple[float, str, str]] = []
    outcome = played(scenario, without, lambda moment, kind, text: told.append((moment, kind, text)))
    wrong = [str(key) for key in outcome.keys]
    lines = [_line(*row) for row in told if row[1] not in ABOUT_ITEMS or any(key in row[2] for key in wrong)]
    if len(lines) > MOST_LINES:
        middle = f"... {len(lines) - MOST_LINES} lines more ..."
        lines = [*lines[: MOST_LINES // 2], middle, *lines[-MOST_LINES // 2 :]]
    return [*lines, *(f"FOUND: {finding}" for finding in outcome.findings)]


def _line(moment: float, kind: str, text: str) -> str:
    seconds = moment - START
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    when = f"{int(days)}d {int(hours):02}:{int(minutes):02}:{rest:06.3f}"
    return f"{when}  {kind:20} {text.splitlines()[0][:150] if text else ''}".rstrip()
