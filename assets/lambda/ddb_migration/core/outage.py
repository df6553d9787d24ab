"""An outage: apply can write nothing for long, so it all but stands still, and goes on by itself when it can again.

SQS gives up on a message that it has delivered 1,000 times. Messages that failed come back in 5 to 30 s, so an outage
of some hours would send every one of them to the dead-letter queue. docs/decisions/0010-outage.md has the argument.
"""

from __future__ import annotations

OUTAGE_SECONDS = 600.0
# A batch in an outage tries its first group only, and for so long.
PROBE_SECONDS = 3.0
# 14 days, the longest that SQS keeps a message, hold fewer than 1,000 waits of this length.
LONGEST_RETURN_SECONDS = 1800


def is_outage(failing_since: float | None, now: float) -> bool:
    """Tell whether apply has been failing for ten minutes, with no success of any message between."""
    return failing_since is not None and now - failing_since >= OUTAGE_SECONDS


def return_seconds(failing_since: float | None, now: float) -> tuple[int, int] | None:
    """Return between how many seconds failed messages come back in an outage, None when there is none.

    They wait about as long as the outage has lasted, at most half an hour, so that little is lost after its end.
    """
    if failing_since is None or not is_outage(failing_since, now):
        return None
    longest = min(LONGEST_RETURN_SECONDS, int(now - failing_since))
    return longest * 5 // 6, longest
