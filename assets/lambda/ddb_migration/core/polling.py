"""How long the state machine waits between two looks."""

from __future__ import annotations

FIRST_SECONDS = 15
LONGEST_SECONDS = 600


def wait_seconds(polls: int) -> int:
    """Return the wait after so many polls: from 15 s growing to 10 min.

    A standard execution holds 25,000 events (Step Functions quotas); a poll costs nine, so at ten minutes a
    14-day wait needs about 18,000.
    """
    grown = FIRST_SECONDS * 1.25 ** min(polls, 40)
    return min(LONGEST_SECONDS, int(grown))
